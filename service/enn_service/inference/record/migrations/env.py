"""Alembic environment: run the migrations on the connection that `migration` passes."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="enn_record_schema")
context.run_migrations()

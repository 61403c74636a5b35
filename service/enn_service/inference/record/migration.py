"""Migration of the record's schema: one process at a time brings an older one up to date; a newer one is refused."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from enn_service.settings.checks import SettingError

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "enn_record_schema"
"""Table that has the version of the schema."""
LOCK = 0x656E_6E5F
"""Key of PostgreSQL's advisory lock that a migration holds; SQLite locks the whole file."""


def migrate(connection: sa.Connection) -> None:
    """Bring the schema up to date; do nothing if it is.

    Args:
        connection: Connection in a transaction, of SQLite one that has the write lock.

    Raises:
        SettingError: The schema is of a newer release.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    known = {script.revision for script in scripts.walk_revisions()}
    found = context.get_current_revision()
    if found is not None and found not in known:
        newest = scripts.get_current_head()
        raise SettingError(
            f"ENN_RECORD: the database has version {found!r} of the schema; this release knows versions up to "
            f"{newest!r}; serve with the newer release that wrote it, or name another database"
        )
    command.upgrade(config, "head")

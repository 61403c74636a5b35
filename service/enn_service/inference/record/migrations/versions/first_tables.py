"""Create the tables of predictions and feedback."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create both tables and their indexes."""
    _create_predictions()
    _create_feedback()


def _create_predictions() -> None:
    op.create_table(
        "enn_predictions",
        sa.Column("id", BIG, primary_key=True, autoincrement=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("row_index", sa.Integer, nullable=False),
        sa.Column("time", BIG, nullable=False, comment="microseconds since 1970"),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False, comment="header x-client-id; empty without it"),
        sa.Column("key_name", sa.Text, nullable=False, comment="name of the API key; empty without keys"),
        sa.Column("features", sa.Text, nullable=False, comment="JSON object {feature: value}"),
        sa.Column("outputs", sa.Text, comment="JSON list of the network's outputs; null if the request had none"),
        sa.Column("out_of_range", sa.Text, nullable=False, comment="JSON list of features"),
        sa.Column("missing", sa.Text, nullable=False, comment="JSON list of features"),
        sqlite_autoincrement=True,
    )
    op.create_index("enn_predictions_by_request", "enn_predictions", ["request_id", "row_index"])
    op.create_index("enn_predictions_by_time", "enn_predictions", ["time"])


def _create_feedback() -> None:
    op.create_table(
        "enn_feedback",
        sa.Column("id", BIG, primary_key=True, autoincrement=True),
        sa.Column("source", sa.Text, nullable=False, unique=True, comment="prediction, or hash of an instance"),
        sa.Column("prediction_id", BIG, sa.ForeignKey("enn_predictions.id", ondelete="CASCADE"), index=True),
        sa.Column("time", BIG, nullable=False, comment="microseconds since 1970"),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("key_name", sa.Text, nullable=False),
        sa.Column("features", sa.Text, comment="JSON object of an instance; null if a prediction has them"),
        sa.Column("truth", sa.Text, nullable=False, comment="JSON value"),
        sqlite_autoincrement=True,
    )
    op.create_index("enn_feedback_by_time", "enn_feedback", ["time"])

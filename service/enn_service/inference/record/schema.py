"""Tables of the record, as the newest migration leaves them."""

import sqlalchemy as sa

metadata = sa.MetaData()
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""Integer of 64 bits; in SQLite the type of a key that numbers the rows."""

predictions = sa.Table(
    "enn_predictions",
    metadata,
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
    sa.Index("enn_predictions_by_request", "request_id", "row_index"),
    sa.Index("enn_predictions_by_time", "time"),
    sqlite_autoincrement=True,
)
"""One row for each row of a successful request."""

feedback = sa.Table(
    "enn_feedback",
    metadata,
    sa.Column("id", BIG, primary_key=True, autoincrement=True),
    sa.Column("source", sa.Text, nullable=False, unique=True, comment="prediction, or hash of an instance"),
    sa.Column("prediction_id", BIG, sa.ForeignKey(predictions.c.id, ondelete="CASCADE"), index=True),
    sa.Column("time", BIG, nullable=False, comment="microseconds since 1970"),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("key_name", sa.Text, nullable=False),
    sa.Column("features", sa.Text, comment="JSON object of an instance; null if a prediction has them"),
    sa.Column("truth", sa.Text, nullable=False, comment="JSON value"),
    sa.Index("enn_feedback_by_time", "time"),
    sqlite_autoincrement=True,
)
"""One row for each true value: of a recorded prediction, or of an instance."""

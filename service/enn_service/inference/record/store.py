"""Store: the database of the record, SQLite or PostgreSQL, with its writes and its retention."""

import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import event

from enn_service.inference.record.migration import migrate
from enn_service.inference.record.schema import feedback, predictions

logger = logging.getLogger(__name__)

BUSY_SECONDS = 2.0
"""Longest wait for another process that writes, in seconds."""
CONNECT_SECONDS = 5
"""Longest wait for a connection to PostgreSQL, in seconds."""
STATEMENT_MILLISECONDS = 30_000
"""Longest duration of a statement in PostgreSQL, in milliseconds."""
DELETED_AT_ONCE = 5_000
"""Number of predictions that one transaction of the retention deletes: writers wait for it."""
MICROSECONDS_PER_DAY = 86_400 * 10**6
TEXT_COLUMNS = ("features", "outputs", "out_of_range", "missing")
ROW_OVERHEAD = 250
"""Bytes of a prediction in PostgreSQL besides its texts: header, numbers, and entries of the indexes."""


class StoredRow(NamedTuple):
    """A row of the table of predictions without its number, and with the values of `TEXT_COLUMNS` not yet as JSON."""

    request_id: str
    row_index: int
    time: int
    model: str
    version: str
    client: str
    key_name: str
    features: Mapping[str, object]
    outputs: NDArray[np.float32] | None
    out_of_range: Sequence[str]
    missing: Sequence[str]


class Store:
    """Database of the record. Nothing is opened before the first use.

    Args:
        url: Address of the database for SQLAlchemy.
    """

    def __init__(self, url: str) -> None:
        self._is_sqlite = url.startswith("sqlite")
        self._migrated = False
        self._path = url.partition("///")[2].partition("?")[0]
        self._file: tuple[int, int] | None = None
        if self._is_sqlite:
            self._engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            options = f"-c statement_timeout={STATEMENT_MILLISECONDS}"
            arguments = {"connect_timeout": CONNECT_SECONDS, "options": options, "application_name": "enn"}
            self._engine = sa.create_engine(url, connect_args=arguments, pool_size=2, pool_pre_ping=True)
        self._insert = _insert_json() if self._is_sqlite else predictions.insert()

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction; the schema is up to date.

        Args:
            write: True to take SQLite's write lock at the start, so that the transaction cannot fail later for it.

        Raises:
            SettingError: The schema is of a newer release.
            sqlalchemy.exc.SQLAlchemyError: The database cannot be used now.
        """
        if self._migrated and self._file != self._file_now():
            # SQLite would go on writing to a file that was deleted or replaced.
            logger.warning(
                "the file of the record was removed or replaced; the record goes on in the one that is there"
            )
            self.disconnect()
        if not self._migrated:
            with self._engine.execution_options(write=True).begin() as connection:
                migrate(connection)
            self._file, self._migrated = self._file_now(), True
        with self._engine.execution_options(write=write).begin() as connection:
            yield connection

    def disconnect(self) -> None:
        """Close all connections; the next use opens new ones, and creates tables in an empty database."""
        self._engine.dispose()
        self._migrated = False

    def add(self, rows: Sequence[StoredRow]) -> None:
        """Write predictions in one transaction.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database cannot be used now, or refuses the rows.
        """
        with self.begin() as connection:
            if self._is_sqlite:
                connection.execute(self._insert, {"batch": _to_json(rows)})
            else:
                connection.execute(self._insert, [_decoded(row) for row in rows])

    def delete_before(self, moment: int) -> int:
        """Delete predictions and feedback older than a time, and return the number of predictions.

        Args:
            moment: Time in microseconds since 1970.
        """
        deleted = 0
        oldest = sa.select(predictions.c.id).where(predictions.c.time < moment).limit(DELETED_AT_ONCE)
        while count := self._delete(oldest):
            deleted += count
        with self.begin() as connection:
            # A label of a younger prediction is younger too: only instances are left here.
            connection.execute(feedback.delete().where(feedback.c.time < moment, feedback.c.prediction_id.is_(None)))
        return deleted

    def delete_beyond(self, size: int) -> int:
        """Delete the oldest rows until the rest needs no more than a size, and return the number deleted.

        Instances with their true values are deleted instead of predictions while there are more of them, so that
        neither displaces the other.

        Args:
            size: Number of bytes.
        """
        deleted = 0
        while self.size() > size and (count := self._delete_oldest()):
            deleted += count
        return deleted

    def size(self) -> int:
        """Return the size of the record in bytes; in PostgreSQL it is estimated from the newest predictions."""
        with self.begin(write=False) as connection:
            if self._is_sqlite:
                pages, free, page = (
                    connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                    for name in ("page_count", "freelist_count", "page_size")
                )
                return (pages - free) * page
            length = sa.func.octet_length(sa.func.concat(*(predictions.c[name] for name in TEXT_COLUMNS)))
            newest = sa.select(length.label("length")).order_by(predictions.c.id.desc()).limit(1000).subquery()
            first, last = connection.execute(
                sa.select(sa.func.min(predictions.c.id), sa.func.max(predictions.c.id))
            ).one()
            if first is None:
                return 0
            mean = connection.execute(sa.select(sa.func.avg(newest.c.length))).scalar_one()
            return int((last - first + 1) * (float(mean) + ROW_OVERHEAD))

    def _delete_oldest(self) -> int:
        instances = feedback.c.prediction_id.is_(None)
        with self.begin() as connection:
            predicted = connection.execute(sa.select(sa.func.count()).select_from(predictions)).scalar_one()
            labelled = connection.execute(
                sa.select(sa.func.count()).select_from(feedback).where(instances)
            ).scalar_one()
            table, where = (predictions, sa.true()) if predicted >= labelled else (feedback, instances)
            oldest = sa.select(table.c.id).where(where).order_by(table.c.id).limit(DELETED_AT_ONCE)
            return connection.execute(table.delete().where(table.c.id.in_(oldest))).rowcount

    def _file_now(self) -> tuple[int, int] | None:
        """Return the identity of SQLite's file; None if there is none."""
        if not self._is_sqlite:
            return None
        try:
            found = Path(self._path).stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _delete(self, chosen: sa.Select[tuple[int]]) -> int:
        with self.begin() as connection:
            return connection.execute(predictions.delete().where(predictions.c.id.in_(chosen))).rowcount


def now_microseconds() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    """Set up a connection: transactions begin explicitly; a commit survives the end of the process."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _insert_json() -> sa.Insert:
    """Return the insertion of a batch that is one JSON text: SQLite reads it without holding Python's lock."""
    value = sa.func.json_each(sa.bindparam("batch", type_=sa.Text)).table_valued("value").c.value
    fields = [sa.func.json_extract(value, f"$[{index}]") for index in range(len(StoredRow._fields))]
    return predictions.insert().from_select(list(StoredRow._fields), sa.select(*fields))


def _to_json(rows: Sequence[StoredRow]) -> str:
    return orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY, default=_plain).decode()


def _decoded(row: StoredRow) -> dict[str, Any]:
    values = row._asdict()
    texts = {
        name: orjson.dumps(values[name], option=orjson.OPT_SERIALIZE_NUMPY, default=_plain).decode()
        for name in TEXT_COLUMNS
        if values[name] is not None
    }
    return values | texts


def _plain(value: object) -> object:
    """Return a value for orjson, which takes neither named tuples nor arrays that are not contiguous."""
    return value.tolist() if isinstance(value, np.ndarray) else tuple(value)  # type: ignore[call-overload]

"""Record: the recorder of a worker and its store of feedback."""

from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from enn_service.inference.record.feedback import Feedback
from enn_service.inference.record.recorder import Recorder
from enn_service.inference.record.store import Store
from enn_service.observability.counters import Counters
from enn_service.settings import Settings


class Record(NamedTuple):
    """Parts of the record that a worker uses.

    Attributes:
        recorder: Recorder of all answers.
        feedback: Store of true values.
    """

    recorder: Recorder
    feedback: Feedback


def create_record(url: str, settings: Settings, counters: Counters) -> Record:
    """Return the record in a database, which is not opened yet.

    Args:
        url: Address of the database.
        settings: Share, retention and excluded features.
        counters: Counters of the worker.
    """
    store = Store(url)
    recorder = Recorder(store, settings, counters.records)
    return Record(recorder, Feedback(store, recorder, settings.record_exclude))


def check_schema(url: str) -> None:
    """Bring the schema of a database up to date; one that cannot be reached now is left to the workers.

    Args:
        url: Address of the database.

    Raises:
        SettingError: The schema is of a newer release.
    """
    store = Store(url)
    try:
        with store.begin(write=False):
            pass
    except (SQLAlchemyError, OSError):
        pass
    finally:
        store.disconnect()

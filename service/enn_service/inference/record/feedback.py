"""Feedback: true values of recorded predictions and of instances, checked and stored."""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from enn_service.errors import InvalidRequestError, RecordNotReadyError, describe_value
from enn_service.inference.record.entries import client_label, raw_values
from enn_service.inference.record.recorder import DELAY_SECONDS, Recorder
from enn_service.inference.record.schema import feedback, predictions
from enn_service.inference.record.store import Store, now_microseconds
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows

MAX_ENTRIES = 1000
"""Maximum number of entries of one request."""
MAX_ID = 128
"""Maximum length of a request ID, as the service accepts them."""
MAX_ROW = 2**31 - 1
WAIT_SECONDS = 1 - DELAY_SECONDS
"""Time after which ids that are not known are looked up again: another worker may be about to write them."""
FORMS = '{"id": request id, "row": index, "truth": value} or {"instance": {...}, "truth": value}'

PredictionKey = tuple[str, int]
"""Request ID and index of the row in the request."""


class Sender(NamedTuple):
    """Origin of feedback.

    Attributes:
        key_name: Name of the API key; None for a management token.
        client: Label of the client; empty for any.
    """

    key_name: str | None
    client: str


class Entry(NamedTuple):
    """One true value.

    Attributes:
        key: Prediction; None for an instance.
        features: JSON object of an instance; None for a prediction.
        truth: JSON value.
    """

    key: PredictionKey | None
    features: bytes | None
    truth: bytes


class Feedback:
    """Store of true values.

    Args:
        store: Database of the record.
        recorder: Recorder of this worker.
        excluded: Names of features that are not stored.
    """

    def __init__(self, store: Store, recorder: Recorder, excluded: Sequence[str]) -> None:
        self._store, self._recorder, self._excluded = store, recorder, frozenset(excluded)

    async def add(
        self, model: ServedModel, version: str | None, listed: object, key_name: str | None, client: bytes
    ) -> dict[str, Any]:
        """Store true values; those that are stored already stay as they are, or change to the newer value.

        Args:
            model: Model of the feedback.
            version: Version whose predictions may be named; None for all versions.
            listed: JSON value of the field `feedback`.
            key_name: Name of the API key, which has to be that of the predictions; None for a management token, with
                which all may be labelled.
            client: Header x-client-id, which has to be that of the predictions; empty for any.

        Returns:
            Number of accepted entries, and the entries whose prediction is not known.

        Raises:
            InvalidRequestError: An entry is not valid; nothing is stored.
            RecordNotReadyError: The database cannot be used now.
        """
        entries, sender = self._parse(model, listed), Sender(key_name, client_label(client))
        wanted = {entry.key for entry in entries if entry.key is not None}
        try:
            found = await asyncio.to_thread(self._find, model.name, version, wanted, sender)
            if len(found) < len(wanted):
                await asyncio.sleep(WAIT_SECONDS)
                found |= await asyncio.to_thread(self._find, model.name, version, wanted - found.keys(), sender)
            known = [entry for entry in entries if entry.key is None or entry.key in found]
            if len(known) < len(entries) and self._recorder.failing:
                raise RecordNotReadyError("predictions wait for the database of the record; try again later")
            await asyncio.to_thread(self._write, model, known, found, sender)
        except SQLAlchemyError:
            raise RecordNotReadyError("the database of the record cannot be used now; try again later") from None
        unknown = [
            {"entry": index, "id": entry.key[0], "row": entry.key[1]}
            for index, entry in enumerate(entries)
            if entry.key is not None and entry.key not in found
        ]
        return {"accepted": len(known), "unknown": unknown}

    def _parse(self, model: ServedModel, listed: object) -> list[Entry]:
        if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_ENTRIES:
            found = f"{len(listed)} entries" if isinstance(listed, list) else describe_value(listed)
            raise InvalidRequestError(f"feedback: {found}; expected a list of 1 to {MAX_ENTRIES} entries")
        return [self._entry(model, given, f"feedback[{index}]") for index, given in enumerate(listed)]

    def _entry(self, model: ServedModel, given: object, place: str) -> Entry:
        if not isinstance(given, dict) or given.keys() not in (
            {"id", "truth"},
            {"id", "row", "truth"},
            {"instance", "truth"},
        ):
            raise InvalidRequestError(f"{place}: {describe_value(given)}; expected {FORMS}")
        truth = _parse_truth(model, given["truth"], f"{place}.truth")
        if "instance" in given:
            return Entry(None, self._features(model, given["instance"], f"{place}.instance"), truth)
        identity, row = given["id"], given.get("row", 0)
        if not isinstance(identity, str) or not 1 <= len(identity) <= MAX_ID or not identity.isprintable():
            raise InvalidRequestError(
                f"{place}.id: {describe_value(identity)}; expected the x-request-id of a response"
            )
        if type(row) is not int or not 0 <= row <= MAX_ROW:
            raise InvalidRequestError(f"{place}.row: {describe_value(row)}; expected the index of a row, 0 or more")
        return Entry((identity, row), None, truth)

    def _features(self, model: ServedModel, instance: object, place: str) -> bytes:
        """Return the features of an instance as they are stored."""
        if not isinstance(instance, dict):
            raise InvalidRequestError(f"{place}: {describe_value(instance)}; expected an object {{feature: value}}")
        row, _ = model.range_check.validate(parse_rows(model.card, [instance], place), place)
        values = raw_values(model.card, row[0].tolist())
        return orjson.dumps({name: value for name, value in values.items() if name not in self._excluded})

    def _find(
        self, model: str, version: str | None, wanted: set[PredictionKey], sender: Sender
    ) -> dict[PredictionKey, int]:
        """Return the numbers of the newest predictions with these keys that the sender may label."""
        if not wanted:
            return {}
        columns = predictions.c
        query = (
            sa.select(columns.request_id, columns.row_index, sa.func.max(columns.id))
            .where(sa.tuple_(columns.request_id, columns.row_index).in_(sorted(wanted)), columns.model == model)
            .group_by(columns.request_id, columns.row_index)
        )
        if version is not None:
            query = query.where(columns.version == version)
        if sender.key_name is not None:
            query = query.where(columns.key_name == sender.key_name)
        if sender.client:
            query = query.where(columns.client == sender.client)
        with self._store.begin(write=False) as connection:
            return {(identity, row): number for identity, row, number in connection.execute(query)}

    def _write(
        self, model: ServedModel, entries: Sequence[Entry], found: dict[PredictionKey, int], sender: Sender
    ) -> None:
        """Store entries in one transaction; of two for the same prediction, the last."""
        rows: dict[str, dict[str, Any]] = {}
        common = {
            "time": now_microseconds(),
            "model": model.name,
            "version": model.version,
            "client": sender.client,
            "key_name": sender.key_name or "",
        }
        for entry in entries:
            number = None if entry.key is None else found[entry.key]
            source = _hash(common, entry) if number is None else f"prediction {number}"
            features = None if entry.features is None else entry.features.decode()
            values = {"source": source, "prediction_id": number, "features": features, "truth": entry.truth.decode()}
            rows[source] = common | values
        if not rows:
            return
        with self._store.begin() as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            insert = dialect.insert(feedback)
            changed = {"truth": insert.excluded.truth, "time": insert.excluded.time}
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["source"], set_=changed, where=feedback.c.truth != insert.excluded.truth
                ),
                list(rows.values()),
            )


def _hash(common: dict[str, Any], entry: Entry) -> str:
    """Return the source of an instance: the same one with the same truth, sent again, is stored once."""
    parts = [
        common["model"],
        common["key_name"],
        common["client"],
        (entry.features or b"").decode(),
        entry.truth.decode(),
    ]
    return f"instance {hashlib.sha256(orjson.dumps(parts)).hexdigest()}"


def _parse_truth(model: ServedModel, truth: object, place: str) -> bytes:
    """Return a true value as JSON.

    Raises:
        InvalidRequestError: The value is no label of the model, or not as many finite numbers as it has outputs.
    """
    classes, outputs = model.card.classes, model.sizes["output"]
    if classes is not None:
        if not any(type(truth) is type(label) and truth == label for label in classes):
            raise InvalidRequestError(
                f"{place}: {describe_value(truth)}; expected one of the labels {list(classes)!r:.200}"
            )
    elif outputs == 1:
        if not _is_number(truth):
            raise InvalidRequestError(f"{place}: {describe_value(truth)}; expected a number")
    elif not isinstance(truth, list) or len(truth) != outputs or not all(map(_is_number, truth)):
        raise InvalidRequestError(f"{place}: {describe_value(truth)}; expected a list of {outputs} numbers")
    return orjson.dumps(truth)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]

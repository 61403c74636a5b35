"""Entries: the rows of one answer as the recorder holds them, and the stored rows that they become."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np
import orjson

from enn_models.card import Card
from enn_models.card.feature_values import encode_value
from enn_service.inference.record.store import StoredRow
from enn_service.inference.types import Batch
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import Array

LIST_NUMBER = 32
"""Memory of a number in a Python list, in bytes."""
MAX_CLIENT = 128
"""Maximum number of characters kept of the label of a client."""
NONE: list[str] = []
"""Names of features of a row without a flag."""


class Entry(NamedTuple):
    """Rows of one answer.

    Attributes:
        request_id: Request ID sent in the response.
        client: Label of the client as it was sent; empty if it sent none.
        key_name: Name of the API key; empty if none is required.
        time: Time in nanoseconds since 1970.
        model: Model that answered.
        batch: Validated rows.
        outputs: Outputs of the network [batch, outputs]; None if the request had none.
    """

    request_id: bytes
    client: bytes
    key_name: str
    time: int
    model: ServedModel
    batch: Batch
    outputs: Array | None

    @property
    def size(self) -> int:
        """Memory of the numbers, in bytes."""
        rows, outputs = self.batch.rows, self.outputs
        size = LIST_NUMBER * len(rows) if isinstance(rows, list) else rows.nbytes
        return size if outputs is None else size + outputs.nbytes


def stored_rows(entry: Entry, excluded: AbstractSet[str]) -> Iterator[StoredRow]:
    """Yield the rows of an entry as they are stored.

    Args:
        entry: Rows of one answer.
        excluded: Names of features that are not stored.
    """
    model, batch, outputs = entry.model, entry.batch, entry.outputs
    name, version, first = model.name, model.version, batch.first
    request_id, client, time = entry.request_id.decode("latin-1"), client_label(entry.client), entry.time // 1000
    outside: dict[int, list[str]] = {}
    for row, column in () if batch.out_of_range is None else batch.out_of_range.places():
        outside.setdefault(row, []).append(model.card.feature_names[column])
    for index, values in enumerate(_raw_rows(model.card, batch)):
        kept = {name: value for name, value in values.items() if name not in excluded} if excluded else values
        flagged = [name for name in outside.get(index, ()) if name not in excluded] if outside else NONE
        missing = [name for name, value in kept.items() if value is None] if None in kept.values() else NONE
        output = None if outputs is None else outputs[index]
        yield StoredRow(
            request_id,
            first + index,
            time,
            name,
            version,
            client,
            entry.key_name,
            kept,
            output,
            flagged,
            missing,
        )


def raw_values(card: Card, row: Sequence[float]) -> dict[str, object]:
    """Return the values of a row by feature, as a request has them.

    Args:
        card: Card of the model.
        row: Codes of the values in the order of the features; NaN for a missing value.
    """
    return {feature.name: encode_value(feature, value) for feature, value in zip(card.features, row, strict=True)}


def client_label(header: bytes) -> str:
    """Return the label that a client sent as x-client-id, without control characters and not too long."""
    text = header[:MAX_CLIENT].decode("latin-1")
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def _raw_rows(card: Card, batch: Batch) -> Iterator[dict[str, object]]:
    names, rows = card.feature_names, batch.rows
    if isinstance(rows, list):  # plain numbers as the request had them
        yield dict(zip(names, rows, strict=True))
    elif card.non_numeric_features:
        for row in rows:
            yield raw_values(card, row)
    else:
        # orjson writes a float32 with the fewest digits.
        for row in orjson.loads(orjson.dumps(np.ascontiguousarray(rows), option=orjson.OPT_SERIALIZE_NUMPY)):
            yield dict(zip(names, row, strict=True))

"""The encoding as nodes: from raw rows to columns, without a node where the rows are the columns."""

import numpy as np

from enn_models.encoding import Encoding
from enn_training.publishing.onnx.graph.builder import Graph, Value


def encoded(graph: Graph, source: str, encoding: Encoding, scope: str) -> Value:
    """Append what an encoding does, in as many nodes whatever the number of features.

    Picking values one by one from rows is slow, picking whole rows of the transposed batch is not.

    Args:
        graph: The graph to append to.
        source: Name of the raw rows, [batch, features], in the graph's precision.
        encoding: What to do.
        scope: Prefix of the new names.

    Returns:
        The columns, [columns, batch].
    """

    def constant(name: str, values: np.ndarray) -> str:
        return graph.constant(f"{scope}encoding/{name}", values[:, None])

    def node(operator: str, *inputs: str, name: str, **attributes: int | list[int]) -> str:
        return graph.node(operator, inputs, f"{scope}encoding/{name}", **attributes)

    turned = node("Transpose", source, name="features", perm=[1, 0])
    feature = graph.constant(f"{scope}encoding/feature", encoding.feature)
    columns = values = node("Gather", turned, feature, name="values", axis=0)
    if not encoding.number.all():
        marks = constant("no_marks", np.zeros(1))
        if not np.isnan(encoding.code).all():
            equal = node("Equal", values, constant("code", encoding.code), name="is_code")
            marks = node("Cast", equal, name="marks", to=graph.real)
        columns = node("Where", constant("number", encoding.number), values, marks, name="present")
    if not np.isnan(encoding.missing).all():
        missing = node("IsNaN", values, name="is_missing")
        columns = node("Where", missing, constant("missing", encoding.missing), columns, name="columns")
    return Value(columns, encoding.columns, columns=True)

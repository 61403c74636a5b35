"""Append the encoding of categories and missing values as graph nodes."""

import numpy as np

from enn_models.encoding import Encoding
from enn_training.publishing.onnx.graph.builder import Graph, Value


def add_encoding(graph: Graph, source: str, encoding: Encoding, scope: str) -> Value:
    """Append the conversion of raw rows to the numeric columns of the network.

    The number of nodes does not depend on the number of features. The batch is transposed first, as selecting whole
    rows is faster than selecting single values from each row.

    Args:
        graph: Graph to append to.
        source: Name of the raw rows, [batch, features], in the precision of the graph.
        encoding: Encoding to apply.
        scope: Prefix of the new names.

    Returns:
        Columns, [columns, batch].
    """

    def constant(name: str, values: np.ndarray) -> str:
        return graph.add_constant(f"{scope}encoding/{name}", values[:, None])

    def node(operator: str, *inputs: str, name: str, **attributes: int | list[int]) -> str:
        return graph.add_node(operator, inputs, f"{scope}encoding/{name}", **attributes)

    turned = node("Transpose", source, name="features", perm=[1, 0])
    feature = graph.add_constant(f"{scope}encoding/feature", encoding.feature)
    columns = values = node("Gather", turned, feature, name="values", axis=0)
    if not encoding.number.all():
        marks = constant("no_marks", np.zeros(1))
        if not np.isnan(encoding.code).all():
            equal = node("Equal", values, constant("code", encoding.code), name="is_code")
            marks = node("Cast", equal, name="marks", to=graph.element_type)
        columns = node("Where", constant("number", encoding.number), values, marks, name="present")
    if not np.isnan(encoding.missing).all():
        missing = node("IsNaN", values, name="is_missing")
        columns = node("Where", missing, constant("missing", encoding.missing), columns, name="columns")
    return Value(columns, encoding.columns, neurons_first=True)

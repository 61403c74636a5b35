"""Append the encoding of categories, missing values and monotone maps as graph nodes."""

from collections.abc import Sequence

import numpy as np

from enn_models.cosine_series import Floats
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
    if encoding.knots:
        columns = _add_maps(graph, columns, encoding, f"{scope}encoding/map")
    return Value(columns, encoding.columns, neurons_first=True)


def _add_maps(graph: Graph, columns: str, encoding: Encoding, scope: str) -> str:
    """Append the monotone maps: each is a sum over its segments, to which a value adds its part within the segment.

    Args:
        graph: Graph to append to.
        columns: Name of the columns, [columns, batch].
        encoding: Encoding with at least one map.
        scope: Prefix of the new names.

    Returns:
        Name of the columns after the maps, [columns, batch].
    """
    places = np.array(sorted(encoding.knots))
    lower, upper, slope = (part[:, :, None] for part in _segments([encoding.knots[place] for place in places]))
    some = graph.add_node("Gather", [columns, graph.add_constant(f"{scope}/columns", places)], f"{scope}/some", axis=0)
    axis = graph.add_constant(f"{scope}/axis", np.array([1]))
    apart = graph.add_node("Unsqueeze", [some, axis], f"{scope}/apart")
    inside = graph.add_binary("Min", graph.add_binary("Max", apart, lower, f"{scope}/above"), upper, f"{scope}/inside")
    parts = graph.add_binary("Sub", inside, lower, f"{scope}/parts")
    steps = graph.add_binary("Mul", parts, slope, f"{scope}/steps")
    total = graph.add_node("ReduceSum", [steps, axis], f"{scope}/total", keepdims=0)
    mapped = graph.add_binary("Sub", total, np.ones((1, 1)), f"{scope}/mapped")
    source = np.arange(encoding.columns)
    source[places] = encoding.columns + np.arange(len(places))
    both = graph.add_node("Concat", [columns, mapped], f"{scope}/both", axis=0)
    return graph.add_node("Gather", [both, graph.add_constant(f"{scope}/source", source)], f"{scope}/result", axis=0)


def _segments(maps: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    """Return lower end, upper end and slope of every segment of some maps, float64 [maps, segments].

    A map with fewer segments than others ends with segments of slope 0.
    """
    lower, upper, slope = np.zeros((3, len(maps), max(map(len, maps)) - 1))
    for row, knots in enumerate(maps):
        count = len(knots) - 1
        lower[row, :count], upper[row, :count] = knots[:-1], knots[1:]
        slope[row, :count] = 2.0 / count / np.diff(knots)
    return lower, upper, slope

"""Parts of hostile graphs, and a function that applies a change to a valid package."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support.tiny import package

Change = Callable[[onnx.ModelProto], None]
LOCATION = onnx.StringStringEntryProto(key="location", value="../../etc/passwd")
PLACEHOLDER = "QQQQ"
"""Text that `changed_package` replaces by bytes that are not UTF-8, which onnx cannot write."""
NOT_UTF8 = b"\xff\xfe\xff\xfe"


def external(name: str = "secret") -> TensorProto:
    """Return a tensor whose data is in another file."""
    return TensorProto(
        name=name, data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL, external_data=[LOCATION]
    )


def dense(name: str, *shape: int) -> TensorProto:
    """Return a tensor of float32 zeros."""
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def integers(name: str, *values: int) -> TensorProto:
    """Return a tensor of int64 values."""
    return numpy_helper.from_array(np.array(values, np.int64), name)


def sparse(values: TensorProto, indices: TensorProto) -> onnx.SparseTensorProto:
    """Return a sparse tensor of four elements."""
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[4])


def body() -> onnx.GraphProto:
    """Return a subgraph with an external tensor."""
    return helper.make_graph([helper.make_node("Identity", ["secret"], ["y"])], "body", [], [], [external()])


def add(model: onnx.ModelProto, operator: str, *inputs: str, **attributes: Any) -> str:
    """Append a node and return the name of its output."""
    model.graph.node.append(helper.make_node(operator, inputs, [f"n{len(model.graph.node)}"], **attributes))
    return model.graph.node[-1].output[0]


def function(model: onnx.ModelProto, node: onnx.NodeProto, name: str = "f") -> onnx.FunctionProto:
    """Add a model-local function of one node and return it."""
    model.functions.append(helper.make_function("", name, [], ["y"], [node], [helper.make_opsetid("", 17)]))
    return model.functions[-1]


def changed_package(change: Change) -> bytes:
    """Return the bytes of a valid package after a change of its graph."""
    model = onnx.ModelProto.FromString(package())
    change(model)
    return model.SerializeToString().replace(PLACEHOLDER.encode(), NOT_UTF8)

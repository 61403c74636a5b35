"""Bodies of the inference requests of both protocols: the only definition, for decoders and the OpenAPI document.

Sources: the KServe V1 protocol, https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol;
https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md, and the extensions binary
tensor data and classification as Triton documents them.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from enn_service.inference.attributions import ROWS_SCHEMA
from enn_service.inference.explain_options import (
    CLOSED,
    EXPECTED_COVERAGE,
    EXPECTED_PARAMETERS,
    Coverage,
    ExplainParameters,
)
from enn_service.protocols.body_decoder import BodyDecoder
from enn_service.protocols.datatypes import BOOL, BYTES, DATATYPES

JSON_DATATYPES = [name for name, datatype in DATATYPES.items() if datatype.in_json]
Datatype = Literal[
    "BOOL",
    "BYTES",
    "FP16",
    "FP32",
    "FP64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
]
Rows = Annotated[list[Any], Meta(extra_json_schema=ROWS_SCHEMA)]
Data = Annotated[list[Any], Meta(extra_json_schema={"items": {"$ref": "#/components/schemas/Elements"}})]


class PredictParameters(Struct, forbid_unknown_fields=True, gc=False):
    """How sure to be: `coverage` is the share of new rows whose value is in its interval, or label in its set."""

    coverage: Coverage | None = None


class PredictRequest(Struct, gc=False):
    """Rows to predict: vectors in the card's order or objects {feature: value}; `inputs` may stand for `instances`.

    A value is a number, the name of a category, true or false; null where the feature may be missing.
    """

    instances: Rows | UnsetType = UNSET
    inputs: Rows | UnsetType = UNSET
    parameters: PredictParameters | None = None


class ExplainRequest(PredictRequest, gc=False):
    """Rows to predict and explain."""

    parameters: ExplainParameters | None = None  # type: ignore[assignment]  (msgspec replaces the field)


class TensorParameters(Struct, gc=False):
    """Length in bytes of this tensor in the binary part, which replaces `data`, and content type as MLServer names it.

    With the content type `pd_json` each element of a BYTES tensor is the JSON text of a value.
    """

    binary_data_size: Annotated[int, Meta(ge=0)] | None = None
    content_type: str | None = None
    shared_memory_region: None = None


class InputTensor(Struct, gc=False):
    """The tensor of all features, or one of the tensors of a single feature each; data flat or nested.

    The tensor of all features is the only one: its name is `input`, `input-0` or `input-1`, its shape [rows, features].
    A category is its index in the model's metadata, a boolean 0 or 1; null stands for a value that may be missing.

    The tensor of a feature has its name and the shape [rows] or [rows, 1]. A category is its name, as BYTES, a boolean
    is true or false, as BOOL, or 0 or 1.
    """

    name: str
    shape: Annotated[list[int], Meta(min_length=1, max_length=2)]
    datatype: Annotated[Datatype, Meta(examples=["FP32"])]
    parameters: TensorParameters | None = None
    data: Data | UnsetType | None = UNSET

    @property
    def size(self) -> int | None:
        """Number of bytes of the tensor after the JSON part; None if its data are in the JSON part."""
        return None if self.parameters is None else self.parameters.binary_data_size


class OutputParameters(Struct, frozen=True, gc=False):
    """How an output is given: as bytes after the JSON, and as its best classes, "value:index:label", not its values."""

    binary_data: bool | None = None
    classification: Annotated[int, Meta(ge=1)] | None = None
    shared_memory_region: None = None


class OutputRequest(Struct, frozen=True, gc=False):
    """Requested output, by name: output, bumps or pre_activation; with a coverage lower, upper or set."""

    name: str
    parameters: OutputParameters | None = None


class InferParameters(Struct, gc=False):
    """Format of the outputs that do not choose one: `binary_data_output` puts them after the JSON part, as bytes.

    `coverage` adds the outputs `lower` and `upper`, the intervals of a regression, or `set`, the sets of classes.
    """

    binary_data_output: bool | None = None
    coverage: Coverage | None = None


class ExplainTensorsParameters(ExplainParameters, gc=False):
    """What to explain, and how outputs are given; a content type, as MLServer sends it, has no effect."""

    binary_data_output: bool | None = None
    content_type: str | None = None


class _TensorRequest(Struct, gc=False):
    inputs: Annotated[list[InputTensor], Meta(min_length=1)]
    outputs: Annotated[tuple[OutputRequest, ...], Meta(min_length=1)] | None = None
    id: str | None = None


class InferRequest(_TensorRequest, gc=False):
    """One input tensor, or one for each feature, and the outputs wanted; `output` alone where none are named."""

    parameters: InferParameters | None = None


class ExplainTensorsRequest(_TensorRequest, gc=False):
    """The request of infer, with the parameters of an explanation."""

    parameters: ExplainTensorsParameters | None = None


FLAG = "true or false"
NO_SHARED_MEMORY = "none, because this service does not offer shared memory"
ROWS = {"instances": "a list of at least one row", "inputs": "a list of at least one row"}
TENSORS = {
    "id": "a string",
    "parameters": "an object",
    "parameters.binary_data_output": FLAG,
    "parameters.content_type": "a string",
    "parameters.coverage": EXPECTED_COVERAGE,
    "inputs": 'a list of one tensor, {"name": "input", ...}, or of one for each feature',
    "inputs[].name": "'input', or the name of a feature",
    "inputs[].shape": "[rows, {features}] with at least one row, or [rows, 1] of a feature",
    "inputs[].datatype": f"one of {', '.join([*JSON_DATATYPES, BOOL, BYTES])}, and FP16 as bytes after the JSON part",
    "inputs[].parameters": "an object",
    "inputs[].parameters.binary_data_size": "a number of bytes",
    "inputs[].parameters.content_type": "a string",
    "inputs[].parameters.shared_memory_region": NO_SHARED_MEMORY,
    "inputs[].data": "a list of values, flat or nested as the shape says",
    "outputs": 'a list of at least one {"name": ...}',
    "outputs[].name": "the name of an output",
    "outputs[].parameters": "an object",
    "outputs[].parameters.binary_data": FLAG,
    "outputs[].parameters.classification": "a number of classes",
    "outputs[].parameters.shared_memory_region": NO_SHARED_MEMORY,
}
"""Text of what is expected, by place."""

PREDICT = BodyDecoder(
    PredictRequest,
    ROWS | {"parameters": "an object", "parameters.coverage": EXPECTED_COVERAGE},
    {"parameters": PredictParameters.__struct_fields__},
)
EXPLAIN = BodyDecoder(ExplainRequest, ROWS | EXPECTED_PARAMETERS, CLOSED)
INFER = BodyDecoder(InferRequest, TENSORS)
EXPLAIN_TENSORS = BodyDecoder(ExplainTensorsRequest, TENSORS | EXPECTED_PARAMETERS, CLOSED)

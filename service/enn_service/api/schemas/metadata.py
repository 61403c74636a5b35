"""Bodies of health, status, metadata and configuration, for the OpenAPI document and the tests that compare both."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from enn_service.api.schemas.inference import Label, Value


class Body(BaseModel):
    """A body with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class ServerStatus(Body):
    """Status of the service (KServe V1)."""

    status: Literal["alive"]


class Health(Body):
    """Health of the service."""

    live: bool
    ready: bool


class ServerMetadata(Body):
    """Name and version of the service, and the extensions of V2 that it has."""

    name: str
    version: str
    extensions: list[str]


class ModelNames(Body):
    """Names of the models that are ready."""

    models: list[str]


class ModelStatus(Body):
    """Status of a model."""

    name: str
    ready: bool


class TensorMetadata(Body):
    """Name, datatype and shape of a tensor; a dimension of -1 has any size."""

    name: str
    datatype: str
    shape: list[int]


class FeatureMetadata(Body):
    """A feature of the rows; the range, in the unit of the feature, and mean are those of the training data.

    `typical` is the value of a typical row. `missing` is true if null is accepted.
    `other` is the category that stands for every name that is not among the categories;
    `ordered` is true if they are in an order.
    """

    name: str
    kind: Literal["numeric", "categorical", "boolean"]
    missing: bool
    typical: Value
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    categories: list[str] | None = None
    other: str | None = None
    ordered: bool | None = None


class ModelProperties(Body):
    """Card of a model: features, classes, outputs, held-out scores, a sample row, and further tensors.

    A request has the tensor of `inputs`, or all the tensors of `feature_inputs` instead. The tensors of
    `optional_outputs` are given when named.
    """

    features: list[FeatureMetadata]
    classes: list[Label] | None
    outputs: list[Label]
    task: str
    head: str
    parameters: int
    scores: dict[str, float]
    sample: list[Value]
    feature_inputs: list[TensorMetadata]
    optional_outputs: list[TensorMetadata]


class ModelMetadata(Body):
    """Metadata of a model (Open Inference Protocol V2)."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    properties: ModelProperties


class TensorConfiguration(Body):
    """Name, datatype and dimensions of a tensor; a dimension of -1 has any size."""

    name: str
    data_type: str
    dims: list[int]


class ModelConfiguration(Body):
    """Configuration of a model (extension of Triton)."""

    name: str
    platform: str
    backend: str
    max_batch_size: int
    input: list[TensorConfiguration]
    output: list[TensorConfiguration]
    default_model_filename: str

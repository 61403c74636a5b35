"""Query parameters and response bodies of the introspection routes, for validation and the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from enn_service.api.schemas.inference import Label, Value
from enn_service.inference.activation_curves import MAX_POINTS

Numbers = list[float]


class QueryParameters(BaseModel):
    """Query parameters; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class ActivationsQuery(QueryParameters):
    """Query parameters of the activations route."""

    layer: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="number of a layer, from 1; default: all layers"
    )
    points: Annotated[int, Field(ge=2, le=MAX_POINTS)] | None = Field(
        default=None, description="points of each curve; default: 101, and more if the frequencies need them"
    )


class OutputQuery(QueryParameters):
    """Query parameters that surface and profile share."""

    output: str | None = Field(
        default=None, description="name of an output; default: the only one, or the class predicted at `at`"
    )
    bumps: bool = Field(default=False, description="true to return the bump of each neuron too")
    at: str = Field(default="{}", description="JSON object {feature: value}; other features have their typical value")


class SurfaceQuery(OutputQuery):
    """Query parameters of the surface route."""

    x: str = Field(description="name of the feature that varies along each row")
    y: str = Field(description="name of the feature that varies from row to row")
    points: int = Field(
        default=41, ge=2, le=201, description="points along a numeric axis; a categorical axis has all categories"
    )


class ProfileQuery(OutputQuery):
    """Query parameters of the profile route."""

    feature: str = Field(description="name of the feature that varies")
    points: int = Field(
        default=101,
        ge=2,
        le=2001,
        description="points of a numeric feature; a categorical one has all categories",
    )


class ModelResponse(BaseModel):
    """Name and version of the model that a response is about."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())
    model_name: str
    model_version: str


class Density(BaseModel):
    """Density of the training data over the pre-activation; its integral is 1."""

    model_config = ConfigDict(extra="forbid")
    edges: Numbers
    density: Numbers


class Neuron(BaseModel):
    """One learned activation over the range of its pre-activation in the training data.

    The importance of a neuron of the last hidden layer is the standard deviation of its bump over the training data,
    summed over the outputs, divided by the sum over all neurons.
    """

    model_config = ConfigDict(extra="forbid")
    neuron: int
    coefficients: Numbers
    range: Annotated[list[float], Field(min_length=2, max_length=2)]
    pre_activation: Numbers
    activation: Numbers
    density: Density | None
    importance: float | None
    output: Label | None = None


class ActivatedLayer(BaseModel):
    """A layer with learned activations, numbered from 1; the output layer of the dct head is one of them."""

    model_config = ConfigDict(extra="forbid")
    layer: int
    neurons: list[Neuron]


class ActivationsResponse(ModelResponse):
    """Learned activations of a model, by layer."""

    layers: list[ActivatedLayer]


class AxisResponse(BaseModel):
    """A feature, and its values along the axis."""

    model_config = ConfigDict(extra="forbid")
    feature: str
    values: list[Value]


class SurfaceBump(BaseModel):
    """Bump of one hidden neuron over the grid."""

    model_config = ConfigDict(extra="forbid")
    neuron: int
    values: list[Numbers]


class SurfaceResponse(ModelResponse):
    """An output over a grid of two features: row i of each table has y.values[i], column j has x.values[j]."""

    output: Label
    x: AxisResponse
    y: AxisResponse
    at: dict[str, Value]
    pre_activation: list[Numbers]
    response: list[Numbers]
    bumps: list[SurfaceBump] = []


class ProfileBump(BaseModel):
    """Bump of one hidden neuron along the feature."""

    model_config = ConfigDict(extra="forbid")
    neuron: int
    values: Numbers


class ProfileResponse(ModelResponse):
    """An output along one feature."""

    output: Label
    feature: str
    values: list[Value]
    at: dict[str, Value]
    pre_activation: Numbers
    response: Numbers
    bumps: list[ProfileBump] = []

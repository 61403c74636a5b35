"""The questions and answers about a whole model, described once, for the routes and the documentation."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from enn_service.api.schemas.inference import Label, Value
from enn_service.inference.activation_curves import MAX_POINTS

Numbers = list[float]


class QueryParameters(BaseModel):
    """Closed to parameters that this version does not know."""

    model_config = ConfigDict(extra="forbid")


class ActivationsQuery(QueryParameters):
    """Which activations, and how finely."""

    layer: Annotated[int, Field(ge=1)] | None = Field(default=None, description="a layer, from 1; default: all")
    points: Annotated[int, Field(ge=2, le=MAX_POINTS)] | None = Field(
        default=None, description="of each curve; default: 101, and more where the frequencies need them"
    )


class LandscapeQuery(QueryParameters):
    """Which output, where, and how finely."""

    output: str | None = Field(
        default=None, description="an output's name; default: the only one, or that of the class predicted at `at`"
    )
    bumps: bool = Field(default=False, description="whether to give each neuron's bump too")
    at: str = Field(
        default="{}", description="JSON object {feature: value}; features left out take their typical value"
    )


class SurfaceQuery(LandscapeQuery):
    """Over which two features."""

    x: str = Field(description="the feature that varies along a row of the answer")
    y: str = Field(description="the feature that varies from row to row")
    points: int = Field(default=41, ge=2, le=201, description="along each axis of numbers; categories are all taken")


class ProfileQuery(LandscapeQuery):
    """Along which feature."""

    feature: str = Field(description="the feature that varies")
    points: int = Field(default=101, ge=2, le=2001, description="of numbers; categories are all taken")


class ModelResponse(BaseModel):
    """Who answers."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())
    model_name: str
    model_version: str


class Density(BaseModel):
    """The training data's density over the pre-activation: its integral over the edges is 1."""

    model_config = ConfigDict(extra="forbid")
    edges: Numbers
    density: Numbers


class Neuron(BaseModel):
    """One learned activation over the range that the training data use.

    The importance of a neuron of the last hidden layer is the standard deviation of its bump over the training data,
    summed over the outputs, as a share of that of all neurons.
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
    """A layer, from 1, whose activations are learned; the output layer of the dct head is one."""

    model_config = ConfigDict(extra="forbid")
    layer: int
    neurons: list[Neuron]


class ActivationsResponse(ModelResponse):
    """Every learned activation."""

    layers: list[ActivatedLayer]


class AxisResponse(BaseModel):
    """A feature and the values that it takes."""

    model_config = ConfigDict(extra="forbid")
    feature: str
    values: list[Value]


class SurfaceBump(BaseModel):
    """One hidden neuron's share of the pre-activation over the plane."""

    model_config = ConfigDict(extra="forbid")
    neuron: int
    values: list[Numbers]


class SurfaceResponse(ModelResponse):
    """An output over the plane of two features: row i of each table is y.values[i], column j is x.values[j]."""

    output: Label
    x: AxisResponse
    y: AxisResponse
    at: dict[str, Value]
    pre_activation: list[Numbers]
    response: list[Numbers]
    bumps: list[SurfaceBump] = []


class ProfileBump(BaseModel):
    """One hidden neuron's share of the pre-activation along the feature."""

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

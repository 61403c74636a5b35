"""Query parameters and response bodies of the introspection routes, for validation and the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from enn_service.api.schemas.inference import Label, Value
from enn_service.inference.introspection.activation_curves import MAX_POINTS
from enn_service.inference.introspection.importance import DEFAULT_PAIRS, MAX_PAIRS

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


class ImportanceQuery(QueryParameters):
    """Query parameters of the importance route."""

    output: str | None = Field(
        default=None, description="name of an output; default: the only one, or the class predicted for a typical row"
    )
    interactions: bool | None = Field(
        default=None,
        description="true to return pairs of features too, false to leave them out; default: true for one hidden layer",
    )
    rows: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="background rows to explain; default: as many as the time for one answer allows"
    )
    points: int = Field(
        default=41, ge=2, le=1001, description="points of a numeric feature; a categorical one has all categories"
    )
    top: int = Field(default=DEFAULT_PAIRS, ge=1, le=MAX_PAIRS, description="most pairs to return, strongest first")


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


class AverageEffect(BaseModel):
    """Mean pre-activation of the output over the background rows if all of them had a value of the feature."""

    model_config = ConfigDict(extra="forbid")
    values: list[Value]
    pre_activation: Numbers


class FeatureImportance(BaseModel):
    """A feature: mean absolute Shapley value, the part of it without other features, and the average effect."""

    model_config = ConfigDict(extra="forbid")
    name: str
    importance: float
    main_effect: float | None = None
    average_effect: AverageEffect


class PairImportance(BaseModel):
    """A pair of features, and its mean absolute Shapley interaction value: what each of the two has of the pair."""

    model_config = ConfigDict(extra="forbid")
    features: Annotated[list[str], Field(min_length=2, max_length=2)]
    importance: float


class ImportanceResponse(ModelResponse):
    """Importance of the features in the model's order, over some background rows, and of pairs, strongest first.

    For several hidden layers the method is `sampled_shapley`, an estimate, and there are no interactions.
    """

    method: Literal["shapley", "sampled_shapley"]
    output: Label
    rows: int
    features: list[FeatureImportance]
    interactions: list[PairImportance] | None

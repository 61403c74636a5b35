"""Bodies of the model repository extension and of the statistics, for validation and the OpenAPI document."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EmptyObject(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")


class LoadRequest(BaseModel):
    """Body of load; it has no parameters and may be left out."""

    parameters: EmptyObject | None = None


class UnloadParameters(BaseModel):
    """Parameters of unload; they are ignored, because models have no dependents to unload."""

    unload_dependents: bool | None = None


class UnloadRequest(BaseModel):
    """Body of unload; it may be left out."""

    parameters: UnloadParameters | None = None


class ManagementResult(BaseModel):
    """Result of load and unload."""

    replica: str = Field(description="host name of the replica that answers", examples=["enn-7c9f"])
    reach: Literal["this replica", "all replicas"] = Field(
        description="replicas that follow: this one with all its workers, or all that share `ENN_UNLOADED_MODELS`, "
        "within `ENN_POLL_SECONDS`"
    )


class Duration(BaseModel):
    """Number of events, and their total time in nanoseconds."""

    count: int
    ns: int


class InferenceStatistics(BaseModel):
    """Time of requests by stage: success is the total, queue the part that no other stage has."""

    fail: Duration
    success: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration
    cache_miss: Duration


class ModelStatistics(BaseModel):
    """Statistics of a version since the service started, over all workers; inference_count is the number of rows."""

    model_config = ConfigDict(protected_namespaces=())
    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferenceStatistics
    batch_stats: list[EmptyObject]


class Statistics(BaseModel):
    """Statistics by version."""

    model_config = ConfigDict(protected_namespaces=())
    model_stats: list[ModelStatistics]


class IndexRequest(BaseModel):
    """Body of index; it may be left out. With `ready` true, only versions that are ready are listed."""

    ready: bool | None = None


class IndexEntry(BaseModel):
    """A version in the repository; the reason says why its file is not served."""

    name: str
    version: str
    state: str = Field(examples=["READY", "UNAVAILABLE"])
    reason: str

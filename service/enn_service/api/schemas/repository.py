"""The bodies of the repository's verbs and of statistics, described once, for the answers and the documentation."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class EmptyObject(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")


class LoadRequest(BaseModel):
    """Nothing; the body may be left out."""

    parameters: EmptyObject | None = None


class UnloadRequest(BaseModel):
    """Nothing; the body may be left out. Models have no dependents to unload."""

    parameters: dict[str, Any] | None = None


class Duration(BaseModel):
    """How often something happened and how many nanoseconds it took in all."""

    count: int
    ns: int


class InferenceStatistics(BaseModel):
    """Where the time went: success is the whole, queue what is in none of the other stages."""

    fail: Duration
    success: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration
    cache_miss: Duration


class ModelStatistics(BaseModel):
    """What a version answered since the service started, in all workers; inference_count is rows."""

    model_config = ConfigDict(protected_namespaces=())
    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferenceStatistics
    batch_stats: list[Any]


class Statistics(BaseModel):
    """Statistics of versions."""

    model_config = ConfigDict(protected_namespaces=())
    model_stats: list[ModelStatistics]


class IndexRequest(BaseModel):
    """Which versions to list; the body may be left out."""

    ready: bool | None = None


class IndexEntry(BaseModel):
    """A version in the repository; the reason says why the file on disk is not the one served."""

    name: str
    version: str
    state: str = Field(examples=["READY", "UNAVAILABLE"])
    reason: str

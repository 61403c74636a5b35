"""Path templates of the HTTP API, read by the server's routes, the OpenAPI document and the Python client."""

from urllib.parse import quote

V1_MODELS = "/v1/models"
V1_MODEL = V1_MODELS + "/{model}"
PREDICT = V1_MODEL + ":predict"
EXPLAIN = V1_MODEL + ":explain"
FEEDBACK = V1_MODEL + ":feedback"
ACTIVATIONS = V1_MODEL + "/activations"
SURFACE = V1_MODEL + "/surface"
PROFILE = V1_MODEL + "/profile"
IMPORTANCE = V1_MODEL + "/importance"

SERVER = "/v2"
LIVE = "/v2/health/live"
READY = "/v2/health/ready"
V2_MODELS = "/v2/models"
V2_MODEL = V2_MODELS + "/{model}"
MODEL_READY = V2_MODEL + "/ready"
MODEL_CONFIGURATION = V2_MODEL + "/config"
MODEL_STATISTICS = V2_MODEL + "/stats"
INFER = V2_MODEL + "/infer"
EXPLAIN_TENSORS = V2_MODEL + "/explain"

STATISTICS = "/v2/models/stats"
REPOSITORY_INDEX = "/v2/repository/index"
REPOSITORY_LOAD = "/v2/repository/models/{model}/load"
REPOSITORY_UNLOAD = "/v2/repository/models/{model}/unload"
METRICS = "/metrics"
EXPLORER = "/explorer"
DOCS = "/docs"
DOCS_FILES = "/static-offline-docs"


def with_version(template: str) -> str:
    """Return the template of the same endpoint for one version of the model."""
    return template.replace("{model}", "{model}/versions/{version}")


def model_path(template: str, model: str, version: str | None = None) -> str:
    """Return the path of an endpoint for a model.

    Args:
        template: One of the templates of this module.
        model: Name of the model; percent-encoded in the path.
        version: Name of the version, percent-encoded; None for the path without a version.
    """
    if version is None:
        return template.format(model=quote(model, safe=""))
    return with_version(template).format(model=quote(model, safe=""), version=quote(version, safe=""))

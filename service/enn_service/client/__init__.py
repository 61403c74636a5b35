"""Python client of the service: predictions and exact explanations of lists, arrays and frames.

>>> from enn_service.client import Client
>>> client = Client("http://127.0.0.1:8080")
>>> client.ready("ring")
True
>>> [prediction["label"] for prediction in client.predict("ring", [[0.1, 0.2], {"x0": 0.5, "x1": -0.1}])]
[-1, 1]

An explanation consists of arrays; bias and bumps sum to the pre-activation:

>>> explanation = client.explain("ring", [[0.5, -0.1]])
>>> explanation.bumps.shape
(1, 6)
>>> bool(abs(explanation.bias + explanation.bumps.sum(axis=1) - explanation.pre_activation) < 1e-6)
True

Exact attributions of features; `to_shap()` converts them for the plots of shap, `to_frame()` for pandas:

>>> client.explain("ring", [[0.5, -0.1]], attributions="shapley").attributions.features
['x0', 'x1']

Large arrays are sent and returned as bytes:

>>> import numpy as np
>>> client.infer("ring", np.zeros((1000, 2), np.float32), outputs=["output", "bumps"])["bumps"].shape
(1000, 1, 6)

An error response becomes an exception with the service's text:

>>> client.predict("moon", [[0.1, 0.2]])
Traceback (most recent call last):
enn_service.client.errors.NotFoundError: model 'moon' is not known; ... (status 404, request id ...)
>>> client.close()

`AsyncClient` has the same calls for asyncio. Both are context managers.
"""

try:
    from enn_service.client.async_client import AsyncClient
    from enn_service.client.sync_client import Client
except ModuleNotFoundError as error:
    if error.name not in ("httpx", "httpx_retries"):
        raise
    raise ModuleNotFoundError(
        f"the client needs {error.name}: install this project with its extra client", name=error.name
    ) from error
from enn_models.explanations.results import (
    Attributions,
    Explanations,
    MixedOutputsError,
    NoInteractionsError,
    OutputExplanations,
)
from enn_service.client.calls import ModelVersion
from enn_service.client.errors import (
    AccessError,
    ClientError,
    InvalidArgumentError,
    InvalidRowsError,
    NotFoundError,
    RequestRefusedError,
    ServerError,
    StatusError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
    UnusedColumnsWarning,
)

__all__ = [
    "AccessError",
    "AsyncClient",
    "Attributions",
    "Client",
    "ClientError",
    "Explanations",
    "InvalidArgumentError",
    "InvalidRowsError",
    "MixedOutputsError",
    "ModelVersion",
    "NoInteractionsError",
    "NotFoundError",
    "OutputExplanations",
    "RequestRefusedError",
    "ServerError",
    "StatusError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "UnusedColumnsWarning",
]

"""FastAPI with a body model, as in its tutorial: a plain function, which FastAPI runs in a thread."""

import sys

import network
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
run = network.load(sys.argv[1])


class Request(BaseModel):
    """Rows to predict."""

    instances: list[list[float]]


class Response(BaseModel):
    """One score per row."""

    predictions: list[float]


@app.post("/v1/models/ring:predict")
def predict(request: Request) -> Response:
    """Predict rows."""
    return Response(predictions=run(np.array(request.instances, dtype=np.float32))[:, 0].tolist())


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning")

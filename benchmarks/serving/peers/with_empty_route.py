"""Empty POST route of FastAPI in uvicorn, which measures the cost of the framework alone."""

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.post("/v1/models/ring:predict")
async def predict() -> dict[str, list[float]]:
    """Answer a constant."""
    return {"predictions": [0.0]}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning")

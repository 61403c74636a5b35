"""The KServe SDK: `python with_kserve_tables.py URL` prints as JSON the outputs that one input per feature gets."""

# pyright: reportMissingImports=false

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

COLUMNS: dict[str, tuple[str, np.ndarray]] = {
    "bill": ("FP64", np.array([44.5, 40.0, 47.5])),
    "island": ("BYTES", np.array(["Dream", "Torgersen", "Biscoe"], dtype=object)),
    "wild": ("BOOL", np.array([True, False, True])),
    "grade": ("BYTES", np.array(["2", "10", "1"], dtype=object)),
    "mass": ("FP32", np.array([np.nan, 4000.0, 3500.0], dtype=np.float32)),
}


async def outputs(url: str, *, binary: bool) -> Any:
    """Return the output for the table; JSON has no missing number, for which the SDK would write NaN."""
    inputs = []
    for name, (datatype, values) in COLUMNS.items():
        inputs.append(InferInput(name, [len(values)], datatype))
        inputs[-1].set_data_from_numpy(values if binary or name != "mass" else np.nan_to_num(values, nan=3500), binary)
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        response = await client.infer(url, InferRequest("animals", inputs), model_name="animals")
    return response.outputs[0].as_numpy().tolist()


async def main(url: str) -> None:
    """Ask and print."""
    found = {"bytes": await outputs(url, binary=True), "json": await outputs(url, binary=False)}
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

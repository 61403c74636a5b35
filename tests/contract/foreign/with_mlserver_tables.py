"""MLServer's codec of data frames: `python with_mlserver_tables.py URL` prints as JSON the outputs for a table."""

# pyright: reportMissingImports=false

import json
import sys
from typing import Any

import httpx
import numpy as np
import pandas as pd
from mlserver import types
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, PandasCodec, StringCodec

# This codec knows texts as objects only, not as pandas 3 stores them.
FRAME = pd.DataFrame(
    {
        "bill": [44.5, 40.0, 47.5],
        "island": pd.Series(["Dream", "Torgersen", "Biscoe"], dtype=object),
        "wild": [True, False, True],
        "grade": pd.Series(["2", "10", "1"], dtype=object),
        "mass": [np.nan, 4000.0, 3500.0],
    }
)
NUMBERS = np.array([[44.5, 1, 1, 1, 3500], [40, 2, 0, 2, 4000], [47.5, 0, 1, 0, 3500]])


def main(url: str) -> None:
    """Ask and print."""
    mixed = FRAME.assign(wild=FRAME["wild"].astype(object), bill=FRAME["bill"].astype("float32"))
    words = PandasCodec.encode_request(FRAME)
    words.inputs[1] = StringCodec.encode_input("island", [*FRAME["island"]], use_bytes=False)
    numbers = NumpyRequestCodec.encode_request(NUMBERS)
    requests = {
        "frame": PandasCodec.encode_request(FRAME),
        "texts": PandasCodec.encode_request(mixed, use_bytes=False),
        "words": words,
        numbers.inputs[0].name: numbers,
    }
    found: dict[str, Any] = {}
    with httpx.Client(base_url=url, trust_env=False) as client:
        for way, request in requests.items():
            reply = client.post("/v2/models/animals/infer", content=request.model_dump_json(exclude_none=True))
            (output,) = types.InferenceResponse.model_validate_json(reply.content).outputs
            found[way] = NumpyCodec.decode_output(output).tolist()
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])

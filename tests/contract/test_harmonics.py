"""Tests of models exported with harmonics."""

from pathlib import Path

import numpy as np
import pytest

from enn_training.publishing.export import export
from support.examples import network
from support.learned import learned
from support.serving import serving


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_harmonics_output_sums_to_bumps(tmp_path: Path, head) -> None:
    model = learned(network((2, 4, 3), head=head))
    export(model, tmp_path, "waves", harmonics=True)
    tensor = {"name": "input", "shape": [2, 2], "datatype": "FP32", "data": [0.1, 0.2, 0.5, -0.1]}
    with serving(tmp_path) as client:
        names = [output["name"] for output in client.get("/v2/models/waves").json()["properties"]["optional_outputs"]]
        wanted = [{"name": name} for name in names]
        answer = client.post("/v2/models/waves/infer", json={"inputs": [tensor], "outputs": wanted}).json()
    assert names == ["bumps", "pre_activation", "harmonics"]
    bumps, _, harmonics = (np.reshape(output["data"], output["shape"]) for output in answer["outputs"])
    assert harmonics.shape == (2, 3, 4, 3)
    assert harmonics.sum(axis=3) == pytest.approx(bumps, abs=1e-5 * np.abs(harmonics).max())

"""Tests of the session: each part of the graph computes the numbers of the whole graph."""

import numpy as np
import pytest

from enn_models.package import open_package
from enn_service.runtime.session import EXPLAIN_OUTPUTS, PREDICT_OUTPUTS, Session
from enn_training.publishing.export import build_package
from support.examples import network
from support.learned import learned


@pytest.mark.parametrize("names", [PREDICT_OUTPUTS, EXPLAIN_OUTPUTS])
@pytest.mark.parametrize("head", ["linear", "dct"])
def test_any_row_count_gets_the_numbers_of_the_whole_graph(head, names):
    net = network((3, 6, 2), head=head)
    opened = open_package(build_package(learned(net)))
    few = opened.card.unrolling.few
    assert few is not None
    assert few.bumps is not None
    session = Session(opened)
    for rows in (1, few.rows, few.rows + 1):
        inputs = np.random.default_rng(rows).uniform(-1, 1, size=(rows, 3)).astype(np.float32)
        whole = session.run(inputs, (*names, "pre_activation"))
        for found, wanted in zip(session.run(inputs, names), whole, strict=False):
            assert found.shape == wanted.shape
            assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()

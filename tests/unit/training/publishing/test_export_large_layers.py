"""Tests of large layers: they are exported, in memory that does not grow with the layer."""

import tracemalloc

import pytest

from enn_models.package import open_package
from enn_training.publishing.export import build_package
from support.learned import learned, network

MEMORY = 2**27
"""Bytes; one array of all harmonics of the comparison rows takes four times as many."""


@pytest.mark.parametrize(("inputs", "paths"), [(600, 2), (1600, 1)])
def test_layers_of_many_weights_are_exported(inputs, paths):
    package = open_package(build_package(learned(network((inputs, 450, 1), 2))))
    assert package.network.layers[0].weight.size == inputs * 450
    # Both paths of the larger layer together exceed the largest file.
    assert (package.card.unrolling.few is not None) == (paths == 2)


def test_memory_of_an_export_does_not_grow_with_layer():
    model = learned(network((4, 128, 1), 64))
    tracemalloc.start()
    build_package(model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY

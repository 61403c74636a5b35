"""Promises of the path templates: the paths that the client requests are those that the server has."""

import pytest

from enn_service.http import paths

TEMPLATES = [value for name, value in vars(paths).items() if name.isupper() and "{model}" in value]


@pytest.mark.parametrize("template", TEMPLATES)
def test_path_of_a_version_follows_the_model(template: str) -> None:
    assert paths.model_path(template, "ring", "2") == template.replace("{model}", "ring/versions/2")


def test_names_are_percent_encoded_in_paths() -> None:
    assert paths.model_path(paths.INFER, "a/b c", "1/2") == "/v2/models/a%2Fb%20c/versions/1%2F2/infer"

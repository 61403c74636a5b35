"""Griffe extension that shows the section `Example:` of a docstring as code; Griffe knows the plural alone."""

import re
from typing import Any

import griffe  # pyright: ignore[reportMissingImports] - of the extra docs, which not every environment has


class ExampleSections(griffe.Extension):
    """Rename the section `Example:` to `Examples:` before Griffe parses a docstring."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401 - the signature is Griffe's
        """Rename the section in the docstring of an object."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)

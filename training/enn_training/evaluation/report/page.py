"""The page of a report: one HTML file that requests nothing and runs its own script alone."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from enn_models.card import Card
from enn_models.network import Network
from enn_training.errors import OptionError
from enn_training.evaluation.report.parts import Section
from enn_training.evaluation.report.script_model import script_model

FOLDER = Path(__file__).parent
MAX_BYTES = 2_000_000
"""Largest page: mail servers accept it with room to spare."""


def render(name: str, version: str, card: Card, network: Network, sections: Sequence[Section]) -> str:
    """Return the page as text; a model that is too large for it is left out, and the page says so.

    Args:
        name: Name of the model.
        version: Version of the model.
        card: Card of the model.
        network: Network of the model.
        sections: Sections of the report, in their order.

    Raises:
        OptionError: The page is too large even without the model.
    """
    script, style = (Markup((FOLDER / file).read_text(encoding="utf-8")) for file in ("page.js", "page.css"))  # noqa: S704
    templates = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
    template, size = templates.get_template("page.html"), 0
    for model in (script_model(card, network), None):
        text = template.render(
            name=name,
            version=version,
            sections=sections,
            model=model,
            script=script,
            style=style,
            policy=_policy(script, style),
        )
        size = len(text.encode())
        if size <= MAX_BYTES:
            return text
    raise OptionError(f"the report has {size} bytes; expected at most {MAX_BYTES}: the model has too many features")


def _policy(script: str, style: str) -> str:
    """Return the content security policy: nothing is loaded, and only these two texts are applied."""
    script_hash, style_hash = (b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style))
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'sha256-{style_hash}';"
        " base-uri 'none'; form-action 'none'"
    )

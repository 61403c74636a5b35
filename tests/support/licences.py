"""The licences of everything that an installation brings along, as a table; `make licences` writes docs/licences.md."""

import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

PAGE = Path(__file__).parents[2] / "docs" / "licences.md"
EXTRAS = ("client", "signing", "storage", "telemetry", "training")
UNTOLD = {"pysimdjson": "MIT"}
"""What a package says in a file of its own alone."""
HEAD = """# Licences

Use this page to review the licences of an installation. ENN is under Apache 2.0. The table lists the packages that it
installs, those of the service first, then those of the extras. `make licences` writes this page from their metadata.

| package | licence | for |
|---|---|---|
"""


def needed() -> dict[str, str]:
    """Return what ENN needs, itself left out: the part that each package is first needed for, by its name."""
    found: dict[str, str] = {}
    for part in ("", *EXTRAS):
        _gather("enn", {part}, part or "service", found, set())
    return dict(sorted(found.items(), key=lambda item: (item[1] != "service", item[1], item[0])))


def _gather(name: str, extras: set[str], part: str, found: dict[str, str], seen: set[tuple[str, str]]) -> None:
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            continue
        if name == "enn" and part != "service" and not (requirement.marker and "extra" in str(requirement.marker)):
            continue
        needs = re.sub(r"[-_.]+", "-", requirement.name).lower()
        key = (needs, ",".join(sorted(requirement.extras)))
        if key in seen:
            continue
        seen.add(key)
        if needs != "enn":
            found.setdefault(needs, part)
        _gather(needs, requirement.extras | {""}, part, found, seen)


def licence(name: str) -> str:
    """Return the licence of an installed package as its metadata names it; empty where it names none."""
    metadata: Any = distribution(name).metadata  # an email.message.Message, which the protocol does not say
    if expression := metadata.get("License-Expression"):
        return expression
    classifiers = [
        text.split(" :: ")[-1] for text in metadata.get_all("Classifier") or [] if text.startswith("License")
    ]
    said = (metadata.get("License") or "").strip().splitlines()
    named = said[0] if len(said) == 1 and len(said[0]) < 60 else ", ".join(classifiers)
    return named or UNTOLD.get(name, "")


def page() -> str:
    """Return the page."""
    rows = [f"| {name} | {licence(name)} | {part} |" for name, part in needed().items()]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())

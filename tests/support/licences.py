"""Table of the licences of all packages of an installation; `make licences` writes it to docs/licences.md."""

import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

PAGE = Path(__file__).parents[2] / "docs" / "licences.md"
EXTRAS = ("client", "signing", "storage", "telemetry", "training", "zstd")
LICENCES_NOT_IN_METADATA = {"pysimdjson": "MIT"}
"""Licences of packages that name theirs only in a licence file."""
HEAD = """# Licences

Use this page to review the licences of an installation. ENN is under Apache 2.0. The table lists the packages that it
installs, those of the service first, then those of the extras. `make licences` writes this page from their metadata.

| package | licence | for |
|---|---|---|
"""


def required_packages() -> dict[str, str]:
    """Return package -> the service or the first extra that requires it, for all direct and indirect requirements."""
    packages: dict[str, str] = {}
    for part in ("", *EXTRAS):
        _add_requirements("enn", {part}, part or "service", packages, set())
    return dict(sorted(packages.items(), key=lambda item: (item[1] != "service", item[1], item[0])))


def _add_requirements(
    name: str, extras: set[str], part: str, packages: dict[str, str], seen: set[tuple[str, str]]
) -> None:
    """Add the requirements of a package and of its requirements to `packages`."""
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            continue
        if name == "enn" and part != "service" and not (requirement.marker and "extra" in str(requirement.marker)):
            continue
        required = re.sub(r"[-_.]+", "-", requirement.name).lower()
        key = (required, ",".join(sorted(requirement.extras)))
        if key in seen:
            continue
        seen.add(key)
        if required != "enn":
            packages.setdefault(required, part)
        _add_requirements(required, requirement.extras | {""}, part, packages, seen)


def licence(name: str) -> str:
    """Return the licence in the metadata of an installed package; empty if the metadata has none."""
    metadata: Any = distribution(name).metadata  # an email.message.Message; the declared protocol lacks its methods
    if expression := metadata.get("License-Expression"):
        return expression
    classifiers = [
        text.split(" :: ")[-1] for text in metadata.get_all("Classifier") or [] if text.startswith("License")
    ]
    lines = (metadata.get("License") or "").strip().splitlines()
    named = lines[0] if len(lines) == 1 and len(lines[0]) < 60 else ", ".join(classifiers)
    return named or LICENCES_NOT_IN_METADATA.get(name, "")


def page() -> str:
    """Return the page in Markdown."""
    rows = [f"| {name} | {licence(name)} | {part} |" for name, part in required_packages().items()]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())

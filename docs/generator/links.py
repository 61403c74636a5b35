"""Adapt the links of a document of the repository to its place on the site."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def adapt_links(text: str, source: Path, places: Mapping[Path, Path], root: Path) -> str:
    """Return the text with relative links that lead to the same documents on the site.

    A link to a file or folder that the site does not have, such as a source file, becomes its text. A link to nothing
    stays as it is, so that the strict build reports it.

    Args:
        text: Markdown of the document.
        source: Path of the document, relative to the repository.
        places: Path on the site of each document and picture, by its path in the repository.
        root: Root folder of the repository.
    """

    def adapted(link: re.Match[str]) -> str:
        picture, label, target = link.groups()
        if re.match(r"[a-z]+:|#", target):
            return link[0]
        path, _, anchor = target.partition("#")
        found = Path(os.path.normpath(source.parent / path))
        if found in places:
            there = Path(os.path.relpath(places[found], places[source].parent)).as_posix()
            return f"{picture}[{label}]({there}{'#' * bool(anchor)}{anchor})"
        return label if (root / found).exists() else link[0]

    return LINK.sub(adapted, text)

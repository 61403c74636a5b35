"""`python -m generator FOLDER`: write the configuration and all pages of the documentation site into a folder."""

import shutil
import sys
from pathlib import Path

from generator import command_line, errors, http_api, metrics, settings
from generator.links import adapt_links
from generator.service import running_service

ROOT = Path(__file__).parents[2]
PROJECT_PAGES = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Documents beside README.md that the site shows under `project/`."""


def generated_pages() -> dict[str, str]:
    """Return the text of each generated reference page by its file name."""
    with running_service(ROOT / "models" / "repository") as service:
        schema, exposition = service.openapi(), service.metrics()
    return {
        "settings.md": settings.page(),
        "command-line.md": command_line.page(),
        "http-api.md": http_api.page(schema),
        "errors.md": errors.page(),
        "metrics.md": metrics.page(exposition),
    }


def collect(folder: Path) -> None:
    """Write `mkdocs.yml` and `docs/` of the site into a folder, which is emptied first.

    Args:
        folder: Folder to write into.
    """
    docs = folder / "docs"
    shutil.rmtree(docs, ignore_errors=True)
    shutil.copytree(ROOT / "docs", docs, ignore=shutil.ignore_patterns("generator", "__pycache__"))
    (docs / "project").mkdir()
    sources = {page.relative_to(ROOT): page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.*")}
    sources |= {Path(name): Path("project", name.lower()) for name in PROJECT_PAGES}
    for name, text in generated_pages().items():
        (docs / "reference" / name).write_text(text)
        sources[Path("docs", "reference", name)] = Path("reference", name)
    for source, place in sources.items():
        if source.suffix == ".md" and (ROOT / source).exists():
            (docs / place).write_text(adapt_links((ROOT / source).read_text(), source, sources, ROOT))
    shutil.copy(ROOT / "mkdocs.yml", folder / "mkdocs.yml")


if __name__ == "__main__":
    collect(Path(sys.argv[1]))

"""Take the picture of the explorer for `docs/how-to/explorer.md`, from a real service: `make picture`."""

from pathlib import Path

from support.browsing import checked_page, launch_browser, open_explorer
from support.serving import SHIPPED, serving

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "explorer.png"
SIZE = {"width": 1280, "height": 1545}


def main() -> None:
    """Photograph the page for one row of the ring problem."""
    with (
        serving(SHIPPED) as client,
        launch_browser() as browser,
        checked_page(browser, client, viewport=SIZE, color_scheme="light") as page,
    ):
        open_explorer(page, "ring", a={"x0": 0.5, "x1": -0.1})
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()

"""The explorer: a page for people at /explorer, answered from memory with what lets a browser keep and confine it."""

import gzip
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

PATH = "/explorer"
STATIC = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
PLOT_STYLE = "sha256-jSYQUrW7J0b3jPqhZP9C2Xh1PyJKHKXd4s0fpGGKrww="
"""Of the one style sheet that the plotting library writes into every figure, and a browser names when it refuses it."""
POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    f"style-src 'self' '{PLOT_STYLE}'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
"""Nothing from elsewhere, and no code in the page itself; data: and blob: are pictures that it has drawn."""
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "; ".join(POLICY),
    "referrer-policy": "no-referrer",
    "vary": "accept-encoding",
}


class StaticFile(NamedTuple):
    """A file of the page, plain and compressed.

    Attributes:
        content: As it is.
        compressed: By gzip.
        media_type: What it is.
        tag: The name of this content.
    """

    content: bytes
    compressed: bytes
    media_type: str
    tag: str

    @classmethod
    def read(cls, path: Path) -> "StaticFile":
        """Return a file of the folder."""
        content = path.read_bytes()
        tag = f'"{sha256(content).hexdigest()[:32]}"'
        return cls(content, gzip.compress(content, mtime=0), TYPES[path.suffix], tag)

    def reply(self, request: Request) -> Response:
        """Return the answer: nothing but headers to a browser that has the file already."""
        headers = {**HEADERS, "etag": f"W/{self.tag}"}  # weak: plain and compressed share it
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.content, headers=headers, media_type=self.media_type)
        headers["content-encoding"] = "gzip"
        return Response(self.compressed, headers=headers, media_type=self.media_type)


def create_explorer() -> APIRouter:
    """Return the routes of the page and its files; addresses in it are relative, so that a proxy may move it."""
    api = APIRouter(include_in_schema=False)
    stored = {
        path.relative_to(STATIC).as_posix(): StaticFile.read(path) for path in STATIC.rglob("*") if path.is_file()
    }
    page = stored.pop("index.html")

    @api.get(PATH)
    async def explorer(request: Request) -> Response:
        return page.reply(request)

    @api.get(PATH + "/{name:path}")
    async def file(name: str, request: Request) -> Response:
        if not name:
            return RedirectResponse("../explorer")
        if name not in stored:
            raise HTTPException(404, f"the explorer has no file {name[:60]!r}")
        return stored[name].reply(request)

    return api

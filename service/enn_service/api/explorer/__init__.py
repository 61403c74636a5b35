"""Routes of the pages for a browser: the explorer, the API documentation, and their files, served from memory."""

import gzip
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from enn_service.http.paths import DOCS, EXPLORER
from enn_service.http.responses import entity_tag, names_tag

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
PLOT_STYLE_HASH = "sha256-jSYQUrW7J0b3jPqhZP9C2Xh1PyJKHKXd4s0fpGGKrww="
"""Hash of the inline style sheet that the plotting library adds to every figure; a browser that blocks it logs this."""
SECURITY_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    f"style-src 'self' '{PLOT_STYLE_HASH}'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
"""Content security policy: own files only, and no inline code; `data:` and `blob:` are pictures that the page draws."""
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "; ".join(SECURITY_POLICY),
    "referrer-policy": "no-referrer",
    "vary": "accept-encoding",
}


class StaticFile(NamedTuple):
    """A file of the page, held in memory.

    Attributes:
        content: Bytes of the file.
        compressed: Bytes of the file, compressed by gzip.
        media_type: Value of the header `Content-Type`.
        etag: Hash of the content in quotes.
    """

    content: bytes
    compressed: bytes
    media_type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> "StaticFile":
        """Return the file at a path."""
        content = path.read_bytes()
        return cls(content, gzip.compress(content, mtime=0), MEDIA_TYPES[path.suffix], entity_tag(content))

    def response(self, request: Request) -> Response:
        """Return the response to a request: 304 if the browser has this content, else the file."""
        headers = {**HEADERS, "etag": f"W/{self.etag}"}  # weak: plain and compressed share it
        if names_tag(request.headers.get("if-none-match", ""), self.etag):
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.content, headers=headers, media_type=self.media_type)
        headers["content-encoding"] = "gzip"
        return Response(self.compressed, headers=headers, media_type=self.media_type)


def explorer_router() -> APIRouter:
    """Return the routes of pages and files; their links are relative, so that a proxy may add a path prefix."""
    router = APIRouter(include_in_schema=False)
    files = {path.relative_to(STATIC).as_posix(): StaticFile.read(path) for path in STATIC.rglob("*") if path.is_file()}
    page, docs = files.pop("index.html"), files.pop("docs.html")

    @router.get(EXPLORER)
    async def explorer(request: Request) -> Response:
        return page.response(request)

    @router.get(DOCS)
    async def docs_page(request: Request) -> Response:
        return docs.response(request)

    @router.get(f"{EXPLORER}/{{name:path}}")
    async def file(name: str, request: Request) -> Response:
        if not name:
            return RedirectResponse("../explorer")
        if name not in files:
            raise HTTPException(404, f"the explorer has no file {name[:60]!r}")
        return files[name].response(request)

    return router

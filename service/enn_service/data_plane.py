"""The data plane: predict, explain and infer, from the body's bytes to the answer's, in front of the framework."""

import asyncio
import re
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enn_service import v1, v2
from enn_service.errors import BodyTooLargeError, RequestError, UnsupportedMediaError
from enn_service.model import Model
from enn_service.registry import Registry
from enn_service.replies import Reply, failure

Operation = Callable[[Model, bytes], bytes]

PATH = re.compile(
    r"/v1/models/(?P<v1>[^/]+):(?P<verb1>predict|explain)|"
    r"/v2/models/(?P<v2>[^/]+)(?:/versions/(?P<version>[^/]+))?/(?P<verb2>infer)"
)
OPERATIONS: dict[str, Operation] = {"predict": v1.predict, "explain": v1.explain, "infer": v2.infer}
LOOP_BYTES = 64 * 1024
"""A larger body is answered in a thread, so that the loop goes on; the two still share the interpreter's lock."""
ATTRIBUTIONS = b'"attributions"'
"""A body that has this word may ask for Shapley values, which take milliseconds: it is answered in a thread too."""
LARGE_AT_ONCE = 2
"""How many larger bodies are answered at once; the others wait, and hold no more than their bytes."""


class DataPlane:
    """An ASGI application that answers the hot paths itself and passes everything else on.

    Every body of both planes is read here, so the limit on its size is written once.

    Args:
        registry: Where the models are.
        control_plane: The application that answers everything else.
        max_body_bytes: A larger body is refused while it is read, whether it announces its length or not.
    """

    def __init__(self, registry: Registry, control_plane: ASGIApp, max_body_bytes: int) -> None:
        self._registry = registry
        self._control_plane = control_plane
        self._max_body_bytes = max_body_bytes
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event as ASGI asks."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._control_plane(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except _DisconnectedError:
            return
        except RequestError as error:
            await failure(error).send(send)
            return
        match = PATH.fullmatch(scope["path"])
        if match is None:
            await self._control_plane(scope, _replay(body, receive), send)
        else:
            await (await self._reply(match, body)).send(send)

    async def _reply(self, match: re.Match[str], body: bytes) -> Reply:
        try:
            return Reply(200, await self._answer(match, body))
        except Exception as error:  # noqa: BLE001  (the table of replies decides; the rest is a 500 with a reference)
            return failure(error)

    async def _answer(self, match: re.Match[str], body: bytes) -> bytes:
        name, version = match["v1"] or match["v2"], match["version"]
        operation = OPERATIONS[match["verb1"] or match["verb2"]]
        model = self._registry.model(name, version)
        if len(body) <= LOOP_BYTES and ATTRIBUTIONS not in body:
            return operation(model, body)
        async with self._large:
            return await asyncio.to_thread(operation, model, body)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        headers = dict(scope["headers"])
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
        if encoding.lower() != "identity":
            raise UnsupportedMediaError(f"content-encoding {encoding[:40]!r}: send the body as it is")
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced[:20]) > self._max_body_bytes:
            raise self._too_large(f"{int(announced[:20])} bytes")
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _DisconnectedError
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._max_body_bytes:
                raise self._too_large("more bytes than that")
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _too_large(self, found: str) -> BodyTooLargeError:
        return BodyTooLargeError(f"the body has {found}; at most {self._max_body_bytes} are accepted")


class _DisconnectedError(Exception):
    """The client went away before its request was whole."""


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a receive that gives a body already read, then what the connection says."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay

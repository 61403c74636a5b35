"""The data plane: predict, explain and infer, from the body's bytes to the answer's, in front of the framework."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from math import inf

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enn_service.errors import (
    BodyTimeoutError,
    InvalidRequestError,
    RequestError,
    ResponseTimeoutError,
    TooManyRequestsInFlightError,
)
from enn_service.http import request_body as body
from enn_service.http.auth import PUBLIC_PATHS, ApiKeyAuth
from enn_service.http.request_body import ClientDisconnect, Headers
from enn_service.http.request_events import SCOPE_CALL
from enn_service.http.request_id import RequestId
from enn_service.http.responses import MAX_BUFFERED_RESPONSE, Response, response_for_exception
from enn_service.http.routing import Route, match_path
from enn_service.http.timeouts import SharedTimeout
from enn_service.inference import fast_rows as usual
from enn_service.inference.admission import MemoryBudget, Reservation
from enn_service.inference.cost import LOOP_BUDGET_NS, MAX_INLINE_NUMBERS
from enn_service.inference.pipeline import Answer
from enn_service.inference.types import InferenceRequest
from enn_service.observability.counters import Counters
from enn_service.protocols import open_inference_v2 as v2
from enn_service.runtime.model import ServedModel
from enn_service.runtime.registry import ModelRegistry
from enn_service.server.inline import InlineHandler
from enn_service.server.shutdown import GracefulShutdown
from enn_service.settings import Settings

logger = logging.getLogger(__name__)

MAX_LOOP_BODY = 64 * 1024
"""A larger body is answered in a thread, so that the loop goes on."""
WORKER_THREADS = 2
"""How many large requests are answered at once; the others wait, and hold no more than their bytes. If the time of one
is over while it waits, it is never begun; if it was begun, it keeps its thread until it is done."""


class DataPlane:
    """An ASGI application that answers the hot paths itself and passes everything else on.

    Every body of both planes is read here, so the limit on its size is written once.

    Args:
        registry: Where the models are.
        count: Where requests are counted.
        control_plane: The application that answers everything else.
        settings: Whose limits hold.
        access: Who may ask.
        drain: Says whether the process is to end.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        count: Counters,
        control_plane: ASGIApp,
        settings: Settings,
        *,
        access: ApiKeyAuth,
        drain: GracefulShutdown,
    ) -> None:
        self._registry = registry
        self._count = count
        self._control_plane = control_plane
        self._access = access
        self._drain = drain
        self._max_body_bytes = settings.max_body_bytes
        self._prompt_bytes = min(MAX_LOOP_BODY, settings.max_body_bytes)
        self._max_in_flight = settings.max_in_flight
        self._room = MemoryBudget(settings.max_held_bytes)
        self._seconds = settings.deadline_seconds
        self._patience = SharedTimeout(settings.deadline_seconds)
        self._large = ThreadPoolExecutor(WORKER_THREADS, "large")

    def at_once(self, target: bytes, headers: Headers) -> InlineHandler | None:
        """Return what answers a POST with this head once its body is there; None where it is not a hot path's.

        What that returns is the reply, if it needs no waiting and is small, or None, which leaves the request as it
        is, for __call__ to answer: by this everything unusual is written once.
        """
        path, count = target.decode("latin-1"), self._count
        call = match_path(path)
        if call is None or b"content-encoding" in headers or body.content_length(headers) > self._prompt_bytes:
            return None
        try:
            length, identity = _json_part_length(headers), RequestId.of(headers)
        except InvalidRequestError:
            return None

        def answer(content: bytes) -> tuple[Response, RequestId] | None:
            if len(content) > self._prompt_bytes or self._drain.started or count.in_flight >= self._max_in_flight:
                return None
            try:
                self._access.check(path, headers)
                model = self._registry.get(call.model, call.version)
            except RequestError:
                return None
            reply = self._promptly(call, model, InferenceRequest(content, length, identity.given))
            return None if reply is None else (reply, identity.next())

        return answer

    def _promptly(self, call: Route, model: ServedModel, request: InferenceRequest) -> Response | None:
        """Return the reply, if that takes little and is small."""
        if call.usual is not None:
            tally = self._count.tally(model.name, model.version, call.verb)
            try:
                if (reply := usual.answer(call.usual, model, request, tally)) is not None:
                    return reply
            except (ValueError, RequestError):
                pass  # what is wrong, the ordinary way tells
            except Exception:
                logger.exception("a usual question is answered in the ordinary way")
        answer = Answer(call.operation, model, request)
        reply = self._in_loop(answer, MAX_INLINE_NUMBERS)
        if reply is None or (reply.status == 200 and len(reply.body) > MAX_BUFFERED_RESPONSE):
            return None
        self._tell(answer, reply, call)
        return reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event as ASGI asks."""
        if scope["type"] != "http":
            await self._control_plane(scope, receive, send)
            return
        headers: Headers = dict(scope["headers"])
        identity = RequestId.of(headers)
        if self._drain.started:
            send = _with_connection_close(send)
        self._count.in_flight += 1
        try:
            self._access.check(scope["path"], headers)
            if self._count.in_flight > self._max_in_flight and scope["path"] not in PUBLIC_PATHS:
                raise TooManyRequestsInFlightError(
                    f"{self._max_in_flight} requests are being answered; ask again in a second"
                )
            if scope["method"] == "POST":
                await self._post(scope, receive, send, headers, identity)
            else:
                # What answers GET answers HEAD too: the server leaves the body out.
                asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
                await self._control_plane(asked, receive, identity.sending(send))
        except RequestError as error:
            await self._refuse(error).send(send, identity)
        finally:
            self._count.in_flight -= 1

    async def _post(self, scope: Scope, receive: Receive, send: Send, headers: Headers, identity: RequestId) -> None:
        lease = Reservation(self._room)
        try:
            content = await self._body(headers, receive, lease)
            call = match_path(scope["path"])
            if call is None:
                await self._control_plane(scope, body.replay_body(content, receive), identity.sending(send))
            else:
                request = InferenceRequest(content, _json_part_length(headers), identity.given)
                reply = await self._reply(call, scope, request, lease)
                await reply.send(send, identity)
        except ClientDisconnect:
            return
        finally:
            lease.give_back()

    async def _body(self, headers: Headers, receive: Receive, lease: Reservation) -> bytes:
        try:
            with self._patience.waiting():
                return await body.read_body(headers, receive, self._max_body_bytes, lease)
        except TimeoutError:
            raise BodyTimeoutError(f"the body did not come within {self._seconds:g} s") from None

    async def _reply(self, call: Route, scope: Scope, request: InferenceRequest, lease: Reservation) -> Response:
        model = self._registry.get(call.model, call.version)
        answer = scope[SCOPE_CALL] = Answer(call.operation, model, request)
        reply = self._in_loop(answer) if len(request.body) <= MAX_LOOP_BODY else None
        if reply is None:
            reply = await self._in_thread(answer, lease)
        self._tell(answer, reply, call)
        return reply

    def _in_loop(self, answer: Answer, numbers: float = inf) -> Response | None:
        """Return the reply, a refusal too; None where a thread has to give it, or it has more numbers than these."""
        try:
            return answer.finish() if answer.read() <= LOOP_BUDGET_NS and answer.numbers <= numbers else None
        except Exception as error:  # noqa: BLE001  (the table of replies decides; the rest is a 500 with a reference)
            return self._refuse(error)

    async def _in_thread(self, answer: Answer, lease: Reservation) -> Response:
        try:
            async with asyncio.timeout(self._seconds):
                reply = await asyncio.get_running_loop().run_in_executor(self._large, answer.finish)
            lease.take(len(reply.body))
        except TimeoutError:
            late = ResponseTimeoutError(f"the answer was not there within {self._seconds:g} s; ask for fewer rows")
            return self._refuse(late)
        except Exception as error:  # noqa: BLE001  (as above)
            return self._refuse(error)
        return reply

    def _tell(self, answer: Answer, reply: Response, call: Route) -> None:
        model = answer.model
        answer.tell(self._count.tally(model.name, model.version, call.verb), refused=reply.status != 200)

    def _refuse(self, error: Exception) -> Response:
        self._count.refuse(error)
        return response_for_exception(error)


def _with_connection_close(send: Send) -> Send:
    """Return a send that closes the connection after the reply."""

    async def last(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return last


def _json_part_length(headers: Headers) -> int | None:
    value = headers.get(b"inference-header-content-length")
    if value is None:
        return None
    if not value.isdigit() or len(value) > 18:
        raise InvalidRequestError(
            f"{v2.JSON_LENGTH}: {value[:40].decode('latin-1')!r}; expected the number of bytes of the JSON part"
        )
    return int(value)

"""The ASGI application of the service: it answers predict, explain and infer, and passes other requests to FastAPI."""

from collections.abc import Callable, Sequence
from time import perf_counter_ns

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enn_service.errors import BodyTimeoutError, InvalidRequestError, RequestError
from enn_service.http import request_body, responses
from enn_service.http.auth import SCOPE_KEY, ApiKeyAuth, is_public, needs_no_slot
from enn_service.http.hosts import AllowedHosts
from enn_service.http.inline import SCOPE_UNFINISHED, InlineResponder, Unfinished
from enn_service.http.large_work import LargeWork
from enn_service.http.request_body import ClientDisconnect, Headers, json_part_length
from enn_service.http.request_id import RequestId
from enn_service.http.responses import Response, response_for_exception
from enn_service.http.routing import RootPath, Route, check_method, match_path
from enn_service.http.timeouts import SharedTimeout
from enn_service.inference.admission import Reservation
from enn_service.inference.cost import INLINE, MAX_SECONDS, SMALL_BYTES
from enn_service.inference.pipeline import Deferred, respond
from enn_service.inference.types import EncodedResponse, InferenceRequest, ObserverFactory
from enn_service.observability.access_log import AccessLog
from enn_service.observability.counters import Counters
from enn_service.observability.events import RequestObserver, finished_request
from enn_service.runtime.model import ServedModel
from enn_service.runtime.registry import ModelRegistry
from enn_service.settings import Settings
from enn_service.settings.checks import ANY_HOST

SCOPE_ANSWER = "enn.answer"
"""Key of the ASGI scope that holds the model and the number of rows in the response, for the observers."""


class DataPlane:
    """ASGI application of the whole service.

    It reads the bodies of all requests, those of the control plane too, so that one limit holds for all.

    Args:
        registry: Models to run.
        counters: Counters of this process.
        control_plane: ASGI application that answers everything but inference.
        settings: Limits of bodies and time.
        large_work: Runner of what the event loop does not compute itself, with the limits of requests and memory.
        auth: Check of API keys.
        shutting_down: Function that returns True after a shutdown has begun.
        observers: Receivers of an event for each finished request.
        access_log: Log of all requests; None for none.
        record: Record of all answers; None for none.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        counters: Counters,
        control_plane: ASGIApp,
        settings: Settings,
        *,
        large_work: LargeWork,
        auth: ApiKeyAuth,
        shutting_down: Callable[[], bool],
        observers: Sequence[RequestObserver] = (),
        access_log: AccessLog | None = None,
        record: ObserverFactory | None = None,
    ) -> None:
        self._registry = registry
        self._counters = counters
        self._control_plane = control_plane
        self._auth = auth
        self._shutting_down = shutting_down
        self._observers, self._access_log, self._record = observers, access_log, record
        self._max_body_bytes = settings.max_body_bytes
        self._max_inline_body = min(SMALL_BYTES, settings.max_body_bytes)
        self._hosts = AllowedHosts(settings.allowed_hosts or (ANY_HOST,))
        self._root = RootPath(settings.root_path)
        self._admission = large_work.admission
        self._large_work = large_work
        self._compression = responses.Compression() if settings.compression else None
        self._seconds = settings.deadline_seconds
        self._timeout = SharedTimeout(settings.deadline_seconds)
        self._max_seconds = min(MAX_SECONDS, settings.deadline_seconds)

    def inline_handler(self, target: bytes, headers: Headers, client: str = "") -> InlineResponder | None:
        """Return the responder for POST requests with this head; None if the ASGI application has to answer them.

        Args:
            target: Request target of the request line, not decoded.
            headers: Request headers, names in lower case.
            client: Address of the client, for the access log.
        """
        # A target with an escape or a query is left to ASGI, which decodes it.
        if b"%" in target or b"?" in target or b"#" in target:
            return None
        route = match_path(path := self._root.strip_target(target).decode("latin-1"))
        if route is None or b"content-encoding" in headers or not self._hosts.allow(headers):
            return None
        if request_body.content_length(headers) > self._max_inline_body:
            return None
        try:
            return self._responder(path, headers, route, json_part_length(headers), client)
        except InvalidRequestError:
            return None

    def _responder(
        self, path: str, headers: Headers, route: Route, json_length: int | None, client: str
    ) -> InlineResponder:
        """Return the function that answers a request with this head, and requests that repeat the head, before ASGI."""
        registry, counters, auth, admission = self._registry, self._counters, self._auth, self._admission
        endpoint, model_name, version, verb = route.endpoint, route.model, route.version, route.verb
        limit, observed, first_id = self._max_inline_body, bool(self._observers), RequestId.from_headers(headers)
        log = self._access_log and self._access_log.recorder("POST", path, client, headers)
        record = self._record

        def answer(body: bytes) -> tuple[Response | EncodedResponse, RequestId] | Unfinished | None:
            if len(body) > limit or self._shutting_down():
                return None
            started = perf_counter_ns() if observed or log else 0
            request_id, model, admitted, key = first_id.next_request(), None, False, ""
            try:
                key = auth.authenticate("POST", path, headers)
                admission.admit()
                admitted = True
                model = registry.get(model_name, version)
                stats = counters.stats_for(model.name, model.version, verb)
                observer = None if record is None else record(request_id.header[1], headers, key)
                request = InferenceRequest(body, json_length, request_id.client_id, None, observer)
                response = respond(endpoint, model, request, stats, INLINE)
                if isinstance(response, Deferred):
                    return Unfinished(response, model)
                if len(response.body) > SMALL_BYTES:  # ASGI sends it: it is in flight until the client has read it
                    return Unfinished(Response.of(response), model, response.rows)
            except Exception as error:  # noqa: BLE001  (a RequestError has its status; the rest is a 500 with a reference)
                response = self._error_response(error)
            finally:
                if admitted:
                    admission.release()
            rows = response.rows if isinstance(response, EncodedResponse) else 0
            if log is not None:
                log(key, request_id.header[1], response.status, rows, started)
            if observed:
                self._notify(request_id.header[1], ("POST", path, headers), response.status, (model, rows), started)
            return response, request_id

        return answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, or the lifespan of the process, as the ASGI specification defines it."""
        if scope["type"] != "http":
            await self._control_plane(scope, receive, send)
            return
        scope = self._root.strip(scope)
        if self._observers or self._access_log is not None:
            await self._handle_observed(scope, receive, send)
        else:
            await self._handle(scope, receive, send, dict(scope["headers"]))

    async def _handle_observed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and report it to the observers, also if the client disconnects."""
        started, status, headers = perf_counter_ns(), 0, dict(scope["headers"])
        request_id = b""

        async def observed_send(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                request_id = dict(message["headers"]).get(b"x-request-id", b"")
            await send(message)

        try:
            await self._handle(scope, receive, observed_send, headers)
        finally:
            head, (model, rows) = (scope["method"], scope["path"], headers), scope.get(SCOPE_ANSWER, (None, 0))
            if self._access_log is not None:
                client = scope["client"][0] if scope.get("client") else ""
                record = self._access_log.recorder(scope["method"], scope["path"], client, headers)
                record(scope.get(SCOPE_KEY, ""), request_id, status, rows, started)
            if self._observers:
                self._notify(request_id, head, status, (model, rows), started)

    def _notify(
        self,
        request_id: bytes,
        head: tuple[str, str, Headers],
        status: int,
        answer: tuple[ServedModel | None, int],
        started: int,
    ) -> None:
        """Report a finished request to the observers; the arguments are those of `finished_request`."""
        name, version = ("", "") if answer[0] is None else (answer[0].name, answer[0].version)
        event = finished_request(request_id, head, status, (name, version, answer[1]), perf_counter_ns() - started)
        for observer in self._observers:
            observer(event)

    async def _handle(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Authenticate and admit a request, then answer it or pass it to the control plane."""
        request_id, admitted = RequestId.from_headers(headers), False
        if self._shutting_down():
            send = responses.with_connection_close(send)
        if self._compression is not None:
            send = self._compression.wrap(send, scope, headers)
        if scope["method"] != "POST":  # no cache stores the response to a POST
            send = responses.without_shared_caching(send, public=is_public(scope["method"], scope["path"]))
        try:
            self._hosts.check(headers)
            scope[SCOPE_KEY] = self._auth.authenticate(scope["method"], scope["path"], headers)
            self._admission.admit(always=needs_no_slot(scope["method"], scope["path"]))
            admitted = True
            if scope["method"] == "POST":
                await self._handle_post(scope, receive, send, headers, request_id)
            else:
                check_method(scope["method"], scope["path"])
                # A route of GET answers HEAD too: the server omits the body.
                routed = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
                await self._control_plane(self._root.add(routed), receive, request_id.wrap_send(send))
        except RequestError as error:
            await self._error_response(error).send(send, request_id)
        finally:
            if admitted:
                self._admission.release()

    async def _handle_post(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, request_id: RequestId
    ) -> None:
        """Read the body of a POST request and answer it."""
        reservation = self._admission.reservation()
        try:
            unfinished: Unfinished | None = scope.get(SCOPE_UNFINISHED)
            if unfinished is not None:
                scope[SCOPE_ANSWER] = unfinished.model, unfinished.rows
                reservation.reserve(unfinished.work.size, "the request")
                response = await self._finish(unfinished.work, scope, receive, reservation)
            elif (route := match_path(scope["path"])) is None:
                body = await self._read_body(headers, receive, self._max_inline_body, reservation)
                replay = request_body.replay_body(body, receive)
                await self._control_plane(self._root.add(scope), replay, request_id.wrap_send(send))
                return
            else:
                body = await self._read_body(headers, receive, self._max_body_bytes, reservation)
                request = InferenceRequest(body, json_part_length(headers), request_id.client_id, reservation)
                if self._record is not None:
                    request.observer = self._record(request_id.header[1], headers, scope[SCOPE_KEY])
                del body  # the request alone holds it, until it is computed
                response = await self._dispatch(route, scope, receive, request)
            await response.send(send, request_id)
        except ClientDisconnect:
            return
        finally:
            reservation.release()

    async def _read_body(self, headers: Headers, receive: Receive, limit: int, reservation: Reservation) -> bytes:
        """Return the body of a request, read within the deadline."""
        try:
            with self._timeout.limit():
                return await request_body.read_body(headers, receive, limit, reservation)
        except TimeoutError:
            raise BodyTimeoutError(f"the body did not come within {self._seconds:g} s") from None

    async def _dispatch(self, route: Route, scope: Scope, receive: Receive, request: InferenceRequest) -> Response:
        """Return the response of an inference request, computed in the event loop if it is small, else in a thread."""
        model = self._registry.get(route.model, route.version)
        stats = self._counters.stats_for(model.name, model.version, route.verb)
        scope[SCOPE_ANSWER] = model, 0
        try:
            if len(request.body) > SMALL_BYTES:
                result: EncodedResponse | Deferred = Deferred(route.endpoint, model, request, stats)
            else:
                result = respond(route.endpoint, model, request, stats)
                request.reserve(result.size, "the request")
        except Exception as error:  # noqa: BLE001  (request errors carry their status; the rest is a 500 with a reference)
            return self._error_response(error)
        if isinstance(result, Deferred):
            return await self._finish(result, scope, receive, request.memory)
        scope[SCOPE_ANSWER] = model, result.rows
        return Response.of(result)

    async def _finish(
        self, work: Response | Deferred, scope: Scope, receive: Receive, memory: Reservation | None
    ) -> Response:
        """Return the response of unfinished work; a thread computes a deferred inference."""
        if isinstance(work, Response):
            return work
        rows = 0
        try:
            result = await self._large_work.run(work.steps(memory, self._max_seconds), receive)
            response, rows = Response.of(result), result.rows
        except ClientDisconnect:
            work.record(refused=True)
            raise
        except Exception as error:  # noqa: BLE001  (as above)
            response = self._error_response(error)
        scope[SCOPE_ANSWER] = work.model, rows
        work.record(refused=response.status != 200)
        return response

    def _error_response(self, error: Exception) -> Response:
        """Return the response to an exception, and count it."""
        self._counters.record_error(error)
        return response_for_exception(error)

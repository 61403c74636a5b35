"""Declared middleware: it sees every request, or declares that it only observes and receives events."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from enn_service.app import create_app
from enn_service.observability.events import RequestEvent
from enn_service.settings import Settings
from support.serving import address_of, command, serving

PREDICT, ROW = "/v1/models/ring:predict", {"instances": [[0.1, 0.2]]}
Eventually = Callable[[Callable[[], bool]], None]

SEEN: list[str] = []
"""Paths of the requests that passed through the middleware of this module."""
EVENTS: list[RequestEvent] = []


class Plain:
    """Middleware that notes the path of each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            SEEN.append(scope["path"])
        await self.app(scope, receive, send)


class Observer(Plain):
    """Middleware that may be bypassed and observes finished requests."""

    observes_only = True

    def observe(self, event: RequestEvent) -> None:
        EVENTS.append(event)
        if event.id == "fails":
            raise RuntimeError("wrong")


class AsyncObserver(Plain):
    """Middleware with a method that nothing would await."""

    async def observe(self, event: RequestEvent) -> None:
        pass


class Outer(Plain):
    """Middleware that sees the request before the next one does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        SEEN.append("outer")
        await self.app(scope, receive, send)


def no_app(app: ASGIApp) -> None:
    """Return no application."""


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()
    EVENTS.clear()


def test_plain_middleware_sees_every_request(own_repository: Path) -> None:
    with serving(own_repository, middleware=[f"{__name__}:Plain"]) as client:
        assert client.post(PREDICT, json=ROW).status_code == 200
        assert client.post(PREDICT, json=ROW).status_code == 200
        assert client.get("/v2/health/ready").status_code == 200
        assert client.post(PREDICT, json={}).status_code == 400
    assert SEEN == [PREDICT, PREDICT, "/v2/health/ready", PREDICT]


def test_observing_middleware_is_bypassed_and_gets_events(own_repository: Path, eventually: Eventually) -> None:
    with serving(own_repository, middleware=[f"{__name__}:Observer"]) as client:
        for request_id in ("one", "fails", "last"):
            assert client.post(PREDICT, json=ROW, headers={"x-request-id": request_id}).status_code == 200
        assert client.get("/v2/health/ready").status_code == 200
        eventually(lambda: len(EVENTS) == 4)
    assert SEEN == ["/v2/health/ready"]
    assert [event.id for event in EVENTS[:3]] == ["one", "fails", "last"]
    assert {(event.model, event.rows, event.status) for event in EVENTS[:3]} == {("ring", 1, 200)}


def test_one_plain_middleware_suffices_to_see_every_request(own_repository: Path, eventually: Eventually) -> None:
    places = [f"{__name__}:{factory}" for factory in ("Outer", "Observer")]
    with serving(own_repository, middleware=places) as client:
        SEEN.clear()  # the outer one sees the lifespan too
        client.post(PREDICT, json=ROW)
        assert SEEN == ["outer", PREDICT]
        eventually(lambda: len(EVENTS) == 1)


def test_middleware_class_of_starlette_is_a_factory(own_repository: Path) -> None:
    with serving(own_repository, middleware=["starlette.middleware.gzip:GZipMiddleware"]) as client:
        answer = client.post(PREDICT, json={"instances": [[0.1, 0.2]] * 100})
    assert (answer.headers["content-encoding"], len(answer.json()["predictions"])) == ("gzip", 100)


def test_worker_processes_apply_middleware_of_environment(
    own_repository: Path, tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(
        "def factory(app):\n"
        "    async def wrapped(scope, receive, send):\n"
        "        async def tagged(message):\n"
        "            if message['type'] == 'http.response.start':\n"
        "                message['headers'] = [*message['headers'], (b'x-own', b'1')]\n"
        "            await send(message)\n"
        "        await app(scope, receive, tagged)\n"
        "    return wrapped\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    log = tmp_path / "log"
    with command(own_repository, log, middleware="own:factory") as process:
        answer = httpx.post(address_of(process, log, 2, eventually) + PREDICT, json=ROW)
    assert (answer.status_code, answer.headers["x-own"]) == (200, "1")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("ring", "'ring'; expected package.module:factory"),
        ("nowhere:factory", "'nowhere:factory' cannot be imported (ModuleNotFoundError: No module named 'nowhere')"),
        ("json:nothing", "'json:nothing' cannot be imported (AttributeError"),
        ("json:__name__", "'json:__name__' is a str; expected package.module:factory"),
        (" , ", "expected at least one package.module:factory"),
    ],
)
def test_error_names_variable_value_and_expected_form(monkeypatch: pytest.MonkeyPatch, value: str, found: str) -> None:
    monkeypatch.setenv("ENN_MIDDLEWARE", value)
    with pytest.raises(ValueError, match="middleware") as error:
        Settings()
    assert found in str(error.value)


@pytest.mark.parametrize(
    ("factory", "found"),
    [("no_app", "returned NoneType; expected an ASGI app"), ("AsyncObserver", "expected a plain function")],
)
def test_middleware_of_wrong_kind_is_refused(own_repository: Path, factory: str, found: str) -> None:
    with pytest.raises(ValueError, match=f"ENN_MIDDLEWARE: .*{factory}.* {found}"):
        create_app(Settings(models=own_repository, middleware=(f"{__name__}:{factory}",)))

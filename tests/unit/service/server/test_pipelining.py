"""Tests of the bound on the requests that a connection parses ahead."""

import asyncio

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from enn_service.server.pipelining import MAX_PIPELINED_REQUESTS, PipelinedProtocol

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def never_answer(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


def test_connection_parses_bounded_number_of_requests_ahead() -> None:
    async def waiting_requests() -> int:
        config = uvicorn.Config(never_answer, ws="none", log_config=None)
        config.load()
        received, protocols = asyncio.Event(), []

        class Protocol(PipelinedProtocol):
            def data_received(self, data: bytes) -> None:
                super().data_received(data)
                received.set()

        def connected() -> Protocol:
            protocols.append(Protocol(config, ServerState(), {}))
            return protocols[0]

        loop = asyncio.get_running_loop()
        async with await loop.create_server(connected, "127.0.0.1", 0) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(REQUEST * 1000)
            await received.wait()
            (protocol,) = protocols
            count = len(protocol.pipeline)
            assert protocol.flow.read_paused
            for task in list(protocol.tasks):
                task.cancel()
            writer.close()
            protocol.transport.abort()
        return count

    assert asyncio.run(waiting_requests()) == MAX_PIPELINED_REQUESTS

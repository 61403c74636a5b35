"""Upper bound: an ASGI application in uvicorn that reads the body and answers a constant."""

import sys

import uvicorn

HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"19")]


async def constant(scope, receive, send) -> None:  # noqa: ANN001
    """Answer every request with a constant."""
    if scope["type"] == "http":
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b'{"predictions":[0]}'})


if __name__ == "__main__":
    uvicorn.run(constant, port=int(sys.argv[2]), access_log=False, log_level="warning", lifespan="off")

"""Send bytes to a service over a socket, and read what its metrics count."""

import socket
from contextlib import suppress

import httpx

ROW = {"instances": [[0.1, 0.2]]}
HEAD = b"POST /v1/models/ring:predict HTTP/1.1\r\nhost: x\r\n"


def connect(client: httpx.Client, *sent: bytes) -> socket.socket:
    """Return a connection to the service over which bytes have been sent."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=30)
    with suppress(BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
        for data in sent:
            connection.sendall(data)
    return connection


def predicts(client: httpx.Client) -> bool:
    """Return True if the service answers a prediction request."""
    return client.post("/v1/models/ring:predict", json=ROW).status_code == 200


def in_flight(client: httpx.Client) -> float:
    """Return the number of requests in flight, without the one that reads the metrics."""
    lines = client.get("/metrics").text.splitlines()
    (value,) = [line.split()[1] for line in lines if line.startswith("enn_requests_in_flight ")]
    return float(value) - 1

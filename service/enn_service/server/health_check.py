"""Health check of a container: ask the service on this machine if it is ready.

`python -m enn_service.server.health_check` reads ENN_HOST and ENN_PORT, uses no proxy, and imports the standard library
only, because it runs every few seconds.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

LOOPBACK = {"": "localhost", "0.0.0.0": "127.0.0.1", "::": "localhost"}  # noqa: S104  (the service listens on it)
"""Address to connect to if the service listens on all addresses."""
TIMEOUT_SECONDS = 2.0
PATH = "/v2/health/ready"


def main() -> None:
    """Ask the service if it is ready, and exit.

    Raises:
        SystemExit: Status 0 if the service is ready, otherwise status 1 with the reason on stderr.
    """
    host, port = os.environ.get("ENN_HOST", "127.0.0.1"), os.environ.get("ENN_PORT", "8080")
    connection = HTTPConnection(LOOPBACK.get(host, host), int(port), timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", PATH, headers={"Host": "localhost"})  # accepted whatever ENN_ALLOWED_HOSTS is
        response = connection.getresponse()
        body = response.read(1000).decode(errors="replace")
    except (OSError, HTTPException) as error:
        sys.exit(f"no answer from {connection.host}:{connection.port}: {error}")
    if response.status != 200:
        sys.exit(f"status {response.status}: {body}")


if __name__ == "__main__":
    main()

"""The ASGI data plane: routing, authentication, request bodies, responses and timeouts."""

"""Pydantic models of the bodies of the HTTP API."""

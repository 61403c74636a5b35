"""Shared test support: servers, models, browsers and hostile files."""

"""Shared support of the tests: servers, models, browsers and malformed model files."""

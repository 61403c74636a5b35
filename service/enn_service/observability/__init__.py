"""Counters, metrics, logs and traces of requests."""

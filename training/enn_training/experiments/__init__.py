"""Reproducible experiments: they store their results as JSON, resume after an interruption and write a page."""

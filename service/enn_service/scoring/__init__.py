"""Scoring of files: the service's answers to the rows of tables, without a server."""

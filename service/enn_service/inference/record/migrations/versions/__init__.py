"""Versions of the record's schema, in the order of their numbers."""

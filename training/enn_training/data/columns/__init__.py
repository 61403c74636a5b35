"""Columns of a data set: kinds and categories of raw columns, and the kinds that users declare."""

from enn_training.data.columns.column import MAX_CATEGORIES, OTHER, Column, describe_pool, pool

__all__ = ["MAX_CATEGORIES", "OTHER", "Column", "describe_pool", "pool"]

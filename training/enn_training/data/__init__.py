"""Datasets: tables, problems, columns, splits and preprocessing."""

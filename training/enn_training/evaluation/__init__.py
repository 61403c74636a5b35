"""Metrics, baselines, figures and reports of learned models."""

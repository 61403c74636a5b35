"""Exact explanations of a prediction, computed from the network in float64."""

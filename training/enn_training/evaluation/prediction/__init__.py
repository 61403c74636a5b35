"""Predictions and explanations in this process, as the service gives them."""

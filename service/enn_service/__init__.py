"""Answers over HTTP: predictions and exact bump explanations of the models in a repository."""

"""Experiment on the paper's fifteen problems: the ENN beside other models, and claims beside results."""

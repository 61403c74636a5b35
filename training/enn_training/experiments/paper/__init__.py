"""Experiment on the paper's fifteen problems: the ENN, other models, and the claims compared with the results."""

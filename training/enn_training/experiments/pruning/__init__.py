"""Experiment on pruning: the claim that 40 % of an ENN's coefficients can be removed, on the paper's problems."""

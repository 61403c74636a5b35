"""Experiment: networks of different activations on the paper's problems, all with the same second-order learner."""

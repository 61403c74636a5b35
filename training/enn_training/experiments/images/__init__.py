"""Experiment on implicit images: ENN, SIREN and ReLU networks learn a picture from pixel coordinates."""

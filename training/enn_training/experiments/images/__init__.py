"""Experiment on implicit images: an ENN learns a picture from pixel coordinates, beside SIREN and ReLU networks."""

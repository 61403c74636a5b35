"""Pruning: neurons and harmonics that a model can do without are cut, and the rest learns on for a moment."""

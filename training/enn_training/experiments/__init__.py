"""Experiments that keep their results, go on where they stopped, and write what they found."""

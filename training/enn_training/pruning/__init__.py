"""Prune models: remove neurons and harmonics that contribute little, and fine-tune the rest."""

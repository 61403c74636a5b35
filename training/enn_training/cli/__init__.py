"""The commands of `python -m enn_training`, one module each."""

"""Commands of `enn-train`, one module each, and their shared options and output."""

"""Convert between learned models, torch modules and published model packages."""

"""Export models to packages, load packages, adopt torch models."""

"""Ways to learn a network from scaled samples."""

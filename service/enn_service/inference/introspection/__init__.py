"""Use cases about a whole model: activations, response surfaces and profiles, importance of features."""

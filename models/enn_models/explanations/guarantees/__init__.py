"""Guarantees about all rows of a region: sound bounds, branch and bound, stability and counterfactuals."""

"""Experiment on real tables: the ENN beside linear models, a perceptron, boosted trees and additive boosting."""

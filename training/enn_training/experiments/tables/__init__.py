"""Experiment on real tables: ENNs compared with linear models, a perceptron, boosted trees and additive boosting."""

"""The benchmark of real tables: the ENN beside linear models, a network, boosted trees and additive boosting."""

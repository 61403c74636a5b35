"""Answers that are proved for all rows near a row: guaranteed stability and counterfactuals."""

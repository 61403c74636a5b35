"""Experiment: error of Levenberg-Marquardt and of the LMS over processor time, on the paper's fifteen problems."""

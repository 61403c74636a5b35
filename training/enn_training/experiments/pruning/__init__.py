"""The claim that 40 % of an ENN's coefficients can go, measured on the paper's fifteen problems."""

"""Second-order learning: many starts, exact linear solutions, and Levenberg-Marquardt steps."""

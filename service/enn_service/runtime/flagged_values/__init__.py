"""Values that a response names: those outside their training range, and those that training rows did not have."""

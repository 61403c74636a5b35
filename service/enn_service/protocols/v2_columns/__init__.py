"""Tensors of one feature each (Open Inference Protocol V2): check of the tensors, and codes of their values."""

"""Networks: architecture, initial weights, activation and PyTorch modules."""

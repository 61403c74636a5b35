"""PyTorch modules of Expressive Neural Networks."""

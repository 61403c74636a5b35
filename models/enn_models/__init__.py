"""What a model is: the one formula, the network, the card, the package, the repository and the checks at loading."""

"""Implicit images: a network learns a picture from the places of its pixels, beside networks of fixed activations."""

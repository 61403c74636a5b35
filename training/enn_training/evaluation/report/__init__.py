"""Report of a model as one HTML file, with the model itself in JavaScript."""

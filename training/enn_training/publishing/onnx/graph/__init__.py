"""Build the nodes of an ONNX graph, from raw rows to predictions and explanations."""

"""Build the nodes of an ONNX graph."""

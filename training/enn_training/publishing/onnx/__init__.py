"""ONNX export: layouts of the graph and their selection."""

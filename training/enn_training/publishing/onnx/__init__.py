"""Write a network as an ONNX graph: graph nodes, unrollings of the activation, cost, accuracy and selection."""

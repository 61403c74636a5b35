"""The published form of an ENN: its formula, network, card, file checks and repository.

Modules, lowest first:
    errors, cosine_series, encoding         exceptions, the activation's formula, the columns of a raw row
    network, signature, batching            the float64 reference network, Ed25519 signatures, batches of bounded size
    explanations                            Shapley values, interactions, and the response of the head
    card                                    the metadata of a model: features, parameters, scores, golden vector
    protobuf_limits, cost_bounds, graph_checks  checks of an untrusted ONNX file
    package, repository                     one checked model file, the folder of all models
"""

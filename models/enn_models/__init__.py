"""The published form of an ENN: its formula, network, card, file checks and repository.

Modules, lowest first:
    errors, cosine_series, encoding         exceptions, the activation's formula, the columns of a raw row
    network, features, signature            the float64 reference network, feature descriptions, Ed25519 signatures
    attributions, output_response, batching Shapley values, responses of the head, batches that fit the cache
    activation_statistics, card             use of each activation by the training data, the metadata of a model
    protobuf_limits, cost_bounds, graph_checks  checks of an untrusted ONNX file
    package, repository                     one checked model file, the folder of all models
"""

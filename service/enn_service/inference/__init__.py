"""Use cases without a transport: the pipeline, admission, cost, explanations and surfaces."""

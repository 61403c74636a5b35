"""The FastAPI control plane: health, metadata, metrics, repository, introspection and explorer."""

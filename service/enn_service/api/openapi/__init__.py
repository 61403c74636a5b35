"""The OpenAPI document: entries of the inference endpoints, and the parts that FastAPI cannot know."""

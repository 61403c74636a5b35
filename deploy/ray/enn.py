"""The service on Ray Serve, one application per replica: `serve run --app-dir deploy/ray enn:app`.

Each replica reads the settings from its environment, such as ENN_MODELS. The replicas share only the repository:
loading or unloading a model affects one replica, unless ENN_RUN names a folder that all of them can access.
"""

from ray import serve

from enn_service.app import create_app

replica = serve.ingress(create_app)()
"""Deployment that creates the application in each replica, as ONNX Runtime sessions cannot be pickled."""
app = serve.deployment(replica, name="enn", num_replicas=2, max_ongoing_requests=1024).bind()

"""ENN on Ray Serve, the same application in each replica: `serve run --app-dir deploy/ray enn:app`.

The settings are read from the environment of the replicas, ENN_MODELS for one. They share nothing but the repository:
load and unload reach one of them alone unless ENN_RUN names a folder that all of them have.
"""

from ray import serve

from enn_service.app import create_app

replica = serve.ingress(create_app)()
"""Makes the application where it answers: sessions do not travel."""
app = serve.deployment(replica, name="enn", num_replicas=2, max_ongoing_requests=1024).bind()

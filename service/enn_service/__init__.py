"""REST service: predictions and exact explanations of the models in a repository. Start reading at `app.create_app`.

`server` accepts HTTP/1.1 connections, `http` is the ASGI data plane for inference, `api` the FastAPI control plane for
everything else; `protocols` translates KServe V1 and Open Inference Protocol V2 to `inference`, which runs a request
without knowing HTTP; `runtime` loads and runs models; `observability` counts, logs and traces; `client` is the Python
client. `settings` holds the options and checks them, and `errors` has the exceptions of requests; `app` puts all of it
together.

This package exports nothing, so that importing the client does not import the server.
"""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
"""Variables that limit the threads of a BLAS library, which reads them when NumPy is imported."""

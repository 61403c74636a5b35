# The service alone: no torch, no compiler, an unprivileged user.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/venv
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY training/enn_training/__init__.py training/enn_training/
COPY models/enn_models models/enn_models
COPY service/enn_service service/enn_service
ARG PIP_OPTIONS=""
# Compiled here, since nothing can be written where it runs: that starts in half the time. Installers and tests stay behind.
RUN /opt/venv/bin/pip install --no-cache-dir $PIP_OPTIONS --constraint constraints.txt . && \
    /opt/venv/bin/pip uninstall --yes --quiet setuptools pip && \
    rm -r /opt/venv/lib/python3*/site-packages/onnx/backend/test && \
    find /opt/venv/lib -type d -name tests -prune -exec rm -r {} +

# What the image holds besides its base, as CycloneDX; the tool that writes it stays behind.
FROM build AS sbom
RUN python -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir $PIP_OPTIONS --constraint constraints.txt cyclonedx-bom && \
    /opt/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file /sbom.json /opt/venv

FROM python:3.11-slim-bookworm
COPY --from=build /opt/venv /opt/venv
COPY --from=sbom /sbom.json /usr/share/enn/sbom.json
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    ENN_HOST=0.0.0.0 ENN_PORT=8080 ENN_MODELS=/mnt/models
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=2s --timeout=3s --start-period=10s \
    CMD ["python", "-m", "enn_service.server.health_check"]
# PID 1 ignores a signal that it has no handler for. A blocked one waits until the service has its handler and unblocks it.
CMD ["env", "--block-signal=TERM", "python", "-m", "enn_service"]

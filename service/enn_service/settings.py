"""Settings: ENN_* environment variables or command line options, checked before anything starts."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Digest = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")]


class Settings(BaseSettings):
    """Serve the models of a repository over KServe V1 and the Open Inference Protocol V2.

    Every option may be given as an environment variable with the prefix ENN_: ENN_MODELS, ENN_PORT, ...
    """

    model_config = SettingsConfigDict(
        env_prefix="ENN_",
        cli_prog_name="enn-serve",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        hide_input_in_errors=True,  # it may be a key or a token
    )

    models: Annotated[Path, Field(description="model repository: <name>/<version>/model.onnx")] = Path(
        "models/repository"
    )
    host: Annotated[str, Field(description="address to listen on; 0.0.0.0 reaches beyond this machine")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="port to listen on; 0 takes a free one")] = 8080
    workers: Annotated[int, Field(ge=1, le=256, description="number of processes")] = 1
    run: Annotated[Path | None, Field(description="folder that the workers share; None makes one while they run")] = (
        None
    )
    token: Annotated[
        SecretStr | None,
        Field(min_length=1, description="token that load and unload take as Authorization: Bearer; None: both off"),
    ] = None
    max_body_bytes: Annotated[int, Field(ge=1024, description="largest request body, in bytes")] = 16 * 2**20
    max_in_flight: Annotated[
        int, Field(ge=1, description="requests answered at once; more get 503 and Retry-After")
    ] = 1024
    max_held_bytes: Annotated[
        int, Field(ge=2**20, description="bytes of bodies and answers held at once; more get 503 and Retry-After")
    ] = 256 * 2**20
    deadline_seconds: Annotated[
        float, Field(gt=0, description="how long a body may take to come, and then a large request to be answered")
    ] = 30.0
    keys: Annotated[
        tuple[Digest, ...],
        Field(
            description="SHA-256 of each key that requests take as X-API-Key or Bearer, as a JSON list; health is open"
        ),
    ] = ()
    keys_file: Annotated[
        Path | None,
        Field(description="file of such SHA-256, one a line, looked at as the repository is; None: no file"),
    ] = None
    idle_seconds: Annotated[
        int, Field(ge=1, description="how long a connection may be without the whole head of a request, in seconds")
    ] = 10
    drain_seconds: Annotated[
        float,
        Field(ge=0, description="how long ready says 503 after SIGTERM before the service stops listening, in seconds"),
    ] = 2.0
    poll_seconds: Annotated[float, Field(gt=0, description="how often the repository is looked at, in seconds")] = 1.0
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$", description="lowest level logged")] = "info"

    def environment(self) -> dict[str, str]:
        """Return the environment variables that give these settings again."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {f"ENN_{name.upper()}": _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, tuple) else str(value)

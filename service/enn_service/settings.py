"""Settings: ENN_* environment variables or command line options, checked before anything starts."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from enn_models.errors import ModelError
from enn_models.signature import verifying
from enn_service.http.auth import KeySet

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
    public_key: Annotated[
        Path | None,
        Field(description="PEM file of the Ed25519 key that every version must be signed with; None: none need be"),
    ] = None
    source: Annotated[
        str | None,
        Field(description="where the repository is kept, as fsspec has it: s3://bucket/models; None: on disk alone"),
    ] = None
    host: Annotated[str, Field(description="address to listen on; 0.0.0.0 reaches beyond this machine")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="port to listen on; 0 takes a free one")] = 8080
    workers: Annotated[int, Field(ge=1, le=256, description="number of processes")] = 1
    run: Annotated[
        Path | None, Field(description="folder that the workers of one service share; None makes one while they run")
    ] = None
    token: Annotated[
        SecretStr | None,
        Field(
            min_length=1,
            description="token that load and unload take as Authorization: Bearer; without it and a file of them both "
            "are off",
        ),
    ] = None
    token_file: Annotated[
        Path | None,
        Field(
            description="file of the SHA-256 of such tokens, one a line, looked at as the repository is; None: no file"
        ),
    ] = None
    max_body_bytes: Annotated[int, Field(ge=1024, description="largest request body, in bytes")] = 16 * 2**20
    max_in_flight: Annotated[
        int, Field(ge=1, description="requests answered at once; more get 503 and Retry-After")
    ] = 1024
    max_held_bytes: Annotated[
        int, Field(ge=2**20, description="bytes of bodies and answers held at once; more get 503 and Retry-After")
    ] = 256 * 2**20
    deadline_seconds: Annotated[
        float, Field(gt=0, description="how long a body may take to come, and then any answer")
    ] = 30.0
    api_keys: Annotated[
        tuple[Digest, ...],
        NoDecode,
        Field(
            description="SHA-256 of each key that requests take as X-API-Key or Bearer, with commas between or as a "
            "JSON list; health and the explorer's files are open"
        ),
    ] = ()
    api_keys_file: Annotated[
        Path | None,
        Field(description="file of such SHA-256, one a line, looked at as the repository is; None: no file"),
    ] = None
    inline: Annotated[
        bool,
        Field(description="answer small requests as soon as they are read, before ASGI; false sends all through ASGI"),
    ] = True
    idle_seconds: Annotated[
        int, Field(ge=1, description="how long a connection may be without the whole head of a request, in seconds")
    ] = 10
    drain_seconds: Annotated[
        float,
        Field(ge=0, description="how long ready says 503 after SIGTERM before the service stops listening, in seconds"),
    ] = 2.0
    poll_seconds: Annotated[float, Field(gt=0, description="how often the repository is looked at, in seconds")] = 1.0
    log_level: Annotated[
        str, Field(pattern="^(debug|info|warning|error)$", description="lowest level logged; debug logs requests")
    ] = "info"
    log_format: Annotated[Literal["console", "json"], Field(description="what the log is, console or json")] = "console"

    @field_validator("api_keys", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        if given.lstrip().startswith("["):
            return orjson.loads(given)
        if not (listed := [digest.strip() for digest in given.split(",") if digest.strip()]):
            raise ValueError("expected at least one SHA-256; leave the setting out to ask for no key")
        return listed

    @field_validator("public_key")
    @classmethod
    def _is_a_key(cls, path: Path | None) -> Path | None:
        try:
            if path is not None:
                verifying(path)
        except ModelError as error:
            raise ValueError(str(error)) from None
        return path

    def tokens(self) -> KeySet:
        """Return what opens load and unload.

        Raises:
            ValueError: The file of tokens cannot be read, or has a line that is no SHA-256.
        """
        given = [] if self.token is None else [sha256(self.token.get_secret_value().encode()).hexdigest()]
        return KeySet(given, self.token_file)

    def environment(self) -> dict[str, str]:
        """Return the environment variables that give these settings again."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {f"ENN_{name.upper()}": _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return orjson.dumps(value).decode() if isinstance(value, tuple) else str(value)

"""Settings of the server: models, address, limits, keys and logs."""

import re
from pathlib import Path
from typing import Annotated, Literal, get_args

import orjson
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from enn_models.errors import ModelError
from enn_models.signature import verifier
from enn_service.settings.checks import HOST_PATTERN, NO_ELEMENTS, check_root_path, check_source, import_factory

Host = Annotated[str, Field(pattern=HOST_PATTERN)]
Digest = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")]


class ServiceSettings(BaseSettings):
    """Settings of the server, without those of the record."""

    model_config = SettingsConfigDict(
        env_prefix="ENN_",
        cli_prog_name="enn-serve",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # a rejected value may be a key or a token
    )

    models: Annotated[Path, Field(description="folder of the model repository: <name>/<version>/model.onnx")] = Path(
        "models/repository"
    )
    allow_empty: Annotated[
        bool,
        Field(
            description="true: the service is ready although the model repository has no model; false: it is not ready "
            "before the first model, as an empty folder may be a volume that is not mounted"
        ),
    ] = False
    public_key: Annotated[
        Path | None,
        Field(
            description="PEM file with the Ed25519 public key that verifies the signature of every version; None: "
            "signatures are not required"
        ),
    ] = None
    source: Annotated[
        str | None,
        Field(
            description="fsspec URL of a remote repository to copy into the model repository: s3://bucket/models; "
            "None: no remote repository"
        ),
    ] = None
    host: Annotated[
        str,
        Field(
            description="host name or IP address to listen on; 0.0.0.0 accepts connections from other machines, :: or "
            "an empty text those over IPv6 too"
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="TCP port to listen on; 0: any free port")] = 8080
    workers: Annotated[int, Field(ge=1, le=256, description="number of worker processes")] = 1
    run: Annotated[
        Path | None,
        Field(
            description="folder for files that the workers share, and that several services with the same models may "
            "share; None: a temporary folder"
        ),
    ] = None
    unloaded_models: Annotated[
        Path | None,
        Field(
            description="folder with the names of unloaded models, which replicas behind a load balancer share, so "
            "that load and unload reach all of them; None: ENN_RUN, which the workers of one service share"
        ),
    ] = None
    token: Annotated[
        SecretStr | None,
        Field(
            min_length=1,
            description="token that requests to load or unload a model must send as Authorization: Bearer; without a "
            "token and a token file both operations are disabled",
        ),
    ] = None
    token_file: Annotated[
        Path | None,
        Field(
            description="file with the SHA-256 of more such tokens, one per line, read again every ENN_POLL_SECONDS; "
            "None: no file"
        ),
    ] = None
    max_body_bytes: Annotated[
        int, Field(ge=1024, description="maximum size of a request body, also after decompression, in bytes")
    ] = 16 * 2**20
    max_in_flight: Annotated[
        int,
        Field(
            ge=1,
            description="maximum number of requests in progress in each worker, so the service takes ENN_WORKERS times "
            "as many; further requests get status 503 and Retry-After",
        ),
    ] = 1024
    max_held_bytes: Annotated[
        int,
        Field(
            ge=2**20,
            description="maximum memory for requests in progress in each worker, for their bodies, computation and "
            "responses, in bytes; further requests get status 503 and Retry-After, and a request that needs more "
            "alone gets status 413",
        ),
    ] = 192 * 2**20
    deadline_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="maximum time to receive a request body, and then to send the response, in seconds",
        ),
    ] = 30.0
    api_keys: Annotated[
        tuple[Digest, ...],
        NoDecode,
        Field(
            description="SHA-256 of each API key, separated by commas or as a JSON list; requests must send a key as "
            "X-API-Key or as Authorization: Bearer, except to the health endpoints and the explorer's files; without "
            "keys and a key file no key is required"
        ),
    ] = ()
    api_keys_file: Annotated[
        Path | None,
        Field(
            description="file with the SHA-256 of more API keys, one per line, read again every ENN_POLL_SECONDS; "
            "None: no file"
        ),
    ] = None
    allowed_hosts: Annotated[
        tuple[Host, ...] | None,
        NoDecode,
        Field(
            description="host names that requests may name, separated by commas or as a JSON list; *.example.com is "
            "every name below, local every name without a dot, * every name; addresses and localhost are always "
            "accepted; None: local if the host of the service is a loopback address and no key is required, else *"
        ),
    ] = None
    root_path: Annotated[
        str,
        Field(
            description="path prefix under which a proxy offers the service, as /ai/enn; the proxy may remove the "
            "prefix from requests or leave it"
        ),
    ] = ""
    compression: Annotated[bool, Field(description="compress answers above 64 KiB for clients that accept it")] = True
    inline: Annotated[
        bool,
        Field(description="run the inline stage: it answers small requests before ASGI; false sends all through ASGI"),
    ] = True
    middleware: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="import path package.module:factory of each ASGI middleware around the service, separated by "
            "commas or as a JSON list, the outermost first; factory(app) returns an ASGI application; a middleware "
            "sees every request, which then takes the slower way through ASGI, unless it has observes_only = True"
        ),
    ] = ()
    idle_seconds: Annotated[
        int,
        Field(
            ge=1,
            description="maximum time for which a connection stays open between two requests, in seconds; more than "
            "the same setting of a proxy in front, such as 60 s of nginx",
        ),
    ] = 75
    head_seconds: Annotated[
        int,
        Field(ge=1, description="maximum time from the first byte of a request to the end of its head, in seconds"),
    ] = 10
    unknown: Annotated[
        Literal["refuse", "accept"],
        Field(
            description="answer to a category that no training row had, and to a missing value where training rows had "
            "none: refuse the request with status 400, or accept the row and name the features in the response"
        ),
    ] = "refuse"
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            description="time after SIGTERM during which the service still responds but reports that it is not ready, "
            "in seconds",
        ),
    ] = 2.0
    poll_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="interval between checks of the repository and of the key and token files, in seconds",
        ),
    ] = 1.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="lowest level to log: debug, info, warning or error; debug logs every request"),
    ] = "info"
    access_log: Annotated[
        bool,
        Field(
            description="write one line of JSON for each request to standard output: time, client, key name, method, "
            "path, status, rows, microseconds and request id"
        ),
    ] = False
    log_format: Annotated[Literal["console", "json"], Field(description="format of the log: console or json")] = (
        "console"
    )

    @field_validator("models", "public_key", "source", "run", "token_file", "api_keys_file", mode="before")
    @classmethod
    def _refuse_empty(cls, given: object) -> object:
        """Refuse an empty text, which would mean the current folder."""
        if given == "":
            raise ValueError("empty; expected a value, or leave the setting unset")
        return given

    @field_validator("models")
    @classmethod
    def _refuse_url(cls, models: Path) -> Path:
        """Refuse a URL, which would be taken for a folder with a strange name."""
        if re.match(r"[a-z0-9+]+:/", str(models)):
            raise ValueError("a URL; expected a folder; ENN_SOURCE names a remote repository")
        return models

    @field_validator("source")
    @classmethod
    def _check_source(cls, source: str | None) -> str | None:
        """Check that the packages for a remote repository are installed."""
        if source is not None:
            check_source(source)
        return source

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, given: object, info: ValidationInfo) -> object:
        """Accept upper case, in which other programs write their levels."""
        accepted = get_args(cls.model_fields[info.field_name or ""].annotation)
        return given.lower() if isinstance(given, str) and given.lower() in accepted else given

    @field_validator("api_keys", "middleware", "allowed_hosts", "record_exclude", mode="before", check_fields=False)
    @classmethod
    def _split_list(cls, given: object, info: ValidationInfo) -> object:
        """Split a text at commas, or parse it as JSON."""
        if not isinstance(given, str):
            return given
        if given.lstrip().startswith("["):
            try:
                return orjson.loads(given)
            except orjson.JSONDecodeError as error:
                raise ValueError(f"not valid JSON ({error.msg}); expected a JSON list, or texts and commas") from None
        if not (listed := [part.strip() for part in given.split(",") if part.strip()]):
            raise ValueError(NO_ELEMENTS[info.field_name or ""])
        return listed

    @field_validator("middleware")
    @classmethod
    def _check_middleware(cls, places: tuple[str, ...]) -> tuple[str, ...]:
        """Check that each factory can be imported: a worker process that fails would be started again and again."""
        for place in places:
            import_factory(place)
        return places

    @field_validator("root_path")
    @classmethod
    def _check_root_path(cls, path: str) -> str:
        """Check that the prefix is a path, and is not one of the service."""
        check_root_path(path)
        return path

    @field_validator("public_key")
    @classmethod
    def _check_public_key(cls, path: Path | None) -> Path | None:
        """Check that the file contains an Ed25519 public key."""
        try:
            if path is not None:
                verifier(path)
        except ModelError as error:
            raise ValueError(str(error)) from None
        return path

    def environment(self) -> dict[str, str]:
        """Return these settings as environment variables, for the worker processes."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {f"ENN_{name.upper()}": _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    """Return a value as the text of an environment variable."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return orjson.dumps(value).decode() if isinstance(value, tuple) else str(value)

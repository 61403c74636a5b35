"""Settings: those of the server and those of the record."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from enn_service.settings.checks import check_record
from enn_service.settings.service import ServiceSettings

MIN_RECORD_BYTES = 2**20
"""Smallest size of a record, in bytes: its tables and indexes need some pages."""


class Settings(ServiceSettings):
    """Serve the models of a repository over KServe V1 and the Open Inference Protocol V2.

    An environment variable with the prefix ENN_ sets the same option: ENN_MODELS, ENN_PORT, ...
    """

    record: Annotated[
        SecretStr | None,
        Field(
            description="address of the database that records predictions and feedback: sqlite:////path/record.db, or "
            "postgresql+psycopg://user:password@host/name, which replicas share; None: nothing is recorded"
        ),
    ] = None
    record_share: Annotated[
        float, Field(gt=0, le=1, description="share of the requests to record, chosen at random")
    ] = 1.0
    record_days: Annotated[
        float, Field(gt=0, le=36_500, description="time after which a recorded prediction is deleted, in days")
    ] = 90.0
    record_bytes: Annotated[
        int,
        Field(
            ge=MIN_RECORD_BYTES,
            description="size of the record, in bytes, above which the oldest predictions are deleted; checked every "
            "minute",
        ),
    ] = 2**30
    record_exclude: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="features that are never recorded, separated by commas or as a JSON list; no value and no flag "
            "of such a feature is stored"
        ),
    ] = ()

    @field_validator("record")
    @classmethod
    def _check_record(cls, record: SecretStr | None) -> SecretStr | None:
        """Check that the address names a supported database whose packages are installed."""
        if record is not None:
            check_record(record.get_secret_value())
        return record

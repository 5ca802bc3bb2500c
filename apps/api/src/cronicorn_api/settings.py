"""
The API's options: the command line wins over the environment, and that over ``.env``.

``--database`` is ``CRONICORN_DATABASE`` in the environment, or ``DATABASE_URL``; ``--host`` is
``CRONICORN_HOST``, and so on. A variable that is empty counts as not set.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "CRONICORN_"
DEFAULT_DATABASE: Final = "sqlite:///cronicorn.db"


class UsageFault(Exception):
    """The command line or the environment asks for something that cannot be done."""


class ApiSettings(BaseSettings):
    """What was asked for, wherever it was asked."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    host: str = "127.0.0.1"
    port: int = Field(3333, ge=0, le=65535)
    database: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices(
            "CRONICORN_DATABASE", "CRONICORN_DATABASE_URL", "DATABASE_URL"
        ),
    )
    poll_only: bool = False
    egress_allow: str = ""
    secret_key: SecretStr | None = None
    bootstrap_api_key: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def database_url(self) -> str:
        """The database, or the default one."""
        return DEFAULT_DATABASE if self.database is None else self.database.get_secret_value()

    @property
    def key(self) -> str | None:
        """The key or keys to secret headers."""
        return None if self.secret_key is None else self.secret_key.get_secret_value()

    @property
    def bootstrap_key(self) -> str | None:
        """The API key for machines that there is to be."""
        key = self.bootstrap_api_key
        return None if key is None else key.get_secret_value()

    @property
    def egress_entries(self) -> tuple[str, ...]:
        """Where endpoints may call besides public addresses, apart by blanks or commas."""
        return tuple(entry for entry in re.split(r"[\s,]+", self.egress_allow) if entry)


def read_settings(given: Mapping[str, object]) -> ApiSettings:
    """Read the options; ``given`` are those of the command line. Raises ``UsageFault``."""
    try:
        return ApiSettings(**cast("dict[str, Any]", given))
    except ValidationError as error:
        told = (f"{_place(str(each['loc'][0]), given)}: {each['msg']}" for each in error.errors())
        raise UsageFault("\n".join(told)) from None


def _place(field: str, given: Mapping[str, object]) -> str:
    return f"--{field}" if field in given else f"{PREFIX}{field.upper()}"

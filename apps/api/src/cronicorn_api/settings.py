"""
The API's options: the command line wins over the environment, and that over ``.env``.

``--database`` is ``CRONICORN_DATABASE`` in the environment, or ``DATABASE_URL``; ``--host`` is
``CRONICORN_HOST``, and so on. A variable that is empty counts as not set.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any, Final, Literal, Self, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.breaker import DEFAULT_BREAKER, Breaker
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.quota import Meter, Quotas
from cronicorn_domain.model.rate import Rate
from cronicorn_domain.policies.caps_text import breaker_in, caps_in
from cronicorn_domain.policies.quota_text import quotas_in
from cronicorn_domain.policies.retention_text import age_in, runs_in
from cronicorn_management.allowance import SELF_HOSTED, Allowance
from cronicorn_management.sign_in_rates import SIGN_IN_RATES, SignInRates
from cronicorn_planner.sessions.bounds import BOUNDS, PriceList
from cronicorn_planner.sessions.choosing import (
    SESSIONS_MOST,
    SESSIONS_USUAL,
    TOKENS_MOST,
    AiVendor,
    ChosenModel,
    ModelAddress,
    SessionLimits,
    amount_in,
    base_url_in,
    chosen_model,
    model_in,
    prices_in,
)
from cronicorn_scheduler.settings import RETENTION
from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cronicorn_api.access.site import Site

PREFIX: Final = "CRONICORN_"
DEFAULT_DATABASE: Final = "sqlite:///cronicorn.db"
MANY: Final = 1_000_000_000
_ReadT = TypeVar("_ReadT")
REQUESTS_MOST: Final = 60_000_000
"""A minute has so many microseconds, and instants tell no more."""


class UsageFault(Exception):
    """The command line or the environment asks for something that cannot be done."""


def _read_by(read: Callable[[str], _ReadT]) -> Callable[[str], _ReadT]:
    """Take a text by a function that refuses with ``InvalidInput``."""

    def taken(text: str) -> _ReadT:
        try:
            return read(text)
        except InvalidInput as error:
            raise ValueError(f"{error}: {error.remedy}") from None

    return taken


def _read_or_off(read: Callable[[str], _ReadT | None]) -> Callable[[object], object]:
    """Take a text by a function that knows ``off``; the default is taken as it is."""
    taken = _read_by(read)
    return lambda value: taken(value) if isinstance(value, str) else value


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
    with_worker: bool = False
    traces: bool = False
    trusted_proxies: str = ""
    egress_allow: str = ""
    run_quota: str = ""
    token_quota: str = ""
    quota_redis: SecretStr | None = None
    ai_model: Annotated[str, AfterValidator(_read_by(model_in))] | None = None
    ai_vendor: AiVendor = AiVendor.OPENAI
    ai_base_url: Annotated[str, AfterValidator(_read_by(base_url_in))] | None = None
    ai_api_key: SecretStr | None = None
    ai_price: Annotated[
        Annotated[PriceList, BeforeValidator(_read_by(prices_in))] | None, NoDecode
    ] = None
    ai_session_tokens: int = Field(BOUNDS.tokens, ge=1, le=TOKENS_MOST)
    ai_session_cost: Annotated[int, BeforeValidator(_read_by(amount_in))] | None = None
    ai_sessions: int = Field(SESSIONS_USUAL, ge=1, le=SESSIONS_MOST)
    host_cap: str = ""
    tenant_cap: str = ""
    breaker: Annotated[Breaker | None, NoDecode, BeforeValidator(_read_or_off(breaker_in))] = (
        DEFAULT_BREAKER
    )
    retention: Annotated[timedelta | None, NoDecode, BeforeValidator(_read_or_off(age_in))] = (
        RETENTION
    )
    keep_runs: Annotated[int | None, NoDecode, BeforeValidator(_read_or_off(runs_in))] = None
    smtp: SecretStr | None = None
    mail_from: str | None = None
    secret_key: SecretStr | None = None
    bootstrap_api_key: SecretStr | None = None
    address_sign_ins_a_minute: int = Field(6, ge=1, le=1_000_000)
    admin_email: str | None = None
    admin_password: SecretStr | None = None
    public_url: str | None = None
    cors_origins: str = ""
    address_requests_a_minute: int = Field(60_000, ge=1, le=REQUESTS_MOST)
    plan_name: str = SELF_HOSTED.name
    plan_endpoints: int = Field(SELF_HOSTED.endpoints, ge=1, le=MANY)
    plan_floor_seconds: int = Field(round(SELF_HOSTED.floor.total_seconds()), ge=1, le=MANY)
    plan_requests_a_minute: int = Field(SELF_HOSTED.requests_a_minute, ge=1, le=REQUESTS_MOST)
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
    def allowance(self) -> Allowance:
        """What each tenant may have."""
        return Allowance(
            name=self.plan_name,
            endpoints=self.plan_endpoints,
            floor=timedelta(seconds=self.plan_floor_seconds),
            requests_a_minute=self.plan_requests_a_minute,
        )

    @property
    def per_address(self) -> Rate:
        """How often an address may ask, whoever it is."""
        return Rate(count=self.address_requests_a_minute, per=timedelta(minutes=1))

    @property
    def owner(self) -> tuple[str, str] | None:
        """The address and the password of the owner that there is to be."""
        if self.admin_email is None or self.admin_password is None:
            return None
        return self.admin_email, self.admin_password.get_secret_value()

    @property
    def sign_in_rates(self) -> SignInRates:
        """How often passwords may be tried: by an address as it is configured, in ten minutes."""
        tried = Rate(count=10 * self.address_sign_ins_a_minute, per=timedelta(minutes=10))
        return replace(SIGN_IN_RATES, per_address=tried)

    @property
    def site(self) -> Site:
        """Where browsers find the API."""
        return Site(public_url=self.public_url, friends=frozenset(_parts(self.cors_origins)))

    @property
    def quotas(self) -> Quotas:
        """How many runs and tokens each tenant may have in a month, as the workers have it."""
        return quotas_in(_parts(self.run_quota), Meter.RUNS).joined(
            quotas_in(_parts(self.token_quota), Meter.TOKENS)
        )

    @property
    def caps(self) -> Caps:
        """What may be under way at once, as the workers have it."""
        return caps_in(_parts(self.host_cap), _parts(self.tenant_cap))

    @property
    def smtp_url(self) -> str | None:
        """The server that takes letters."""
        return None if self.smtp is None else self.smtp.get_secret_value()

    @property
    def quota_redis_url(self) -> str | None:
        """The server that counts what is used of quotas; None: the database does."""
        return None if self.quota_redis is None else self.quota_redis.get_secret_value()

    @property
    def chosen_model(self) -> ChosenModel | None:
        """The model that looks at endpoints, with a worker; None: none is named."""
        if self.ai_model is None:
            return None
        key = self.ai_api_key
        return chosen_model(
            self.ai_model,
            ModelAddress(
                vendor=self.ai_vendor,
                base_url=self.ai_base_url,
                api_key=None if key is None else key.get_secret_value(),
            ),
            SessionLimits(
                tokens=self.ai_session_tokens, cost=self.ai_session_cost, at_once=self.ai_sessions
            ),
            self.ai_price,
        )

    @field_validator("run_quota", "token_quota")
    @classmethod
    def _is_a_quota(cls, text: str) -> str:
        _read_by(lambda given: quotas_in(_parts(given), Meter.RUNS))(text)
        return text

    @field_validator("host_cap")
    @classmethod
    def _are_caps_of_hosts(cls, text: str) -> str:
        _read_by(lambda given: caps_in(_parts(given), ()))(text)
        return text

    @field_validator("tenant_cap")
    @classmethod
    def _are_caps_of_tenants(cls, text: str) -> str:
        _read_by(lambda given: caps_in((), _parts(given)))(text)
        return text

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, url: str | None) -> str | None:
        return None if url is None else _origin(url)

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: str) -> str:
        return " ".join(_origin(each) for each in _parts(origins))

    @model_validator(mode="after")
    def _names_a_whole_owner(self) -> Self:
        if (self.admin_email is None) != (self.admin_password is None):
            raise ValueError(
                f"give both {PREFIX}ADMIN_EMAIL and {PREFIX}ADMIN_PASSWORD, or neither"
            )
        return self

    @model_validator(mode="after")
    def _names_a_whole_model(self) -> Self:
        try:
            _ = self.chosen_model
        except InvalidInput as error:
            name = f"{PREFIX}{(error.field or '').upper()}"
            raise ValueError(f"{name} {error}: {error.remedy}") from None
        return self

    @property
    def trusted_entries(self) -> tuple[str, ...]:
        """The proxies, by address or network, that are believed from where a request comes."""
        return _parts(self.trusted_proxies)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        for each in _parts(networks):
            ip_network(each)
        return networks

    @property
    def egress_entries(self) -> tuple[str, ...]:
        """Where endpoints may call besides public addresses, apart by blanks or commas."""
        return _parts(self.egress_allow)


def read_settings(given: Mapping[str, object]) -> ApiSettings:
    """Read the options; ``given`` are those of the command line. Raises ``UsageFault``."""
    try:
        return ApiSettings(**cast("dict[str, Any]", given))
    except ValidationError as error:
        told = (_told(each["loc"], each["msg"], given) for each in error.errors())
        raise UsageFault("\n".join(told)) from None


def _told(location: tuple[int | str, ...], message: str, given: Mapping[str, object]) -> str:
    message = message.removeprefix("Value error, ")
    return f"{_place(str(location[0]), given)}: {message}" if location else message


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\s,]+", text) if part)


def _origin(url: str) -> str:
    """Write a URL as browsers write its origin. Raises ``ValueError``."""
    parts = urlsplit(url.rstrip("/").lower())
    plain = urlunsplit((parts.scheme, parts.netloc, "", "", "")) == url.rstrip("/").lower()
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in url or not plain:
        raise ValueError("give an origin, such as https://cronicorn.example.org")
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _place(field: str, given: Mapping[str, object]) -> str:
    return f"--{field}" if field in given else f"{PREFIX}{field.upper()}"

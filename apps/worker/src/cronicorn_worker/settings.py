"""
The worker's options: the command line wins over the environment, and that over ``.env``.

Every option has one name in three places: ``--log-level``, ``CRONICORN_LOG_LEVEL`` in the
environment, and the same in ``.env``. The database is also read from ``DATABASE_URL``. A
variable that is empty counts as not set.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar, cast

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.breaker import DEFAULT_BREAKER, Breaker
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.quota import Meter, Quotas
from cronicorn_domain.policies.caps_text import breaker_in, caps_in
from cronicorn_domain.policies.quota_text import quotas_in
from cronicorn_domain.policies.retention_text import age_in, runs_in
from cronicorn_management.allowance import SELF_HOSTED, Allowance
from cronicorn_planner.sessions.bounds import BOUNDS, PriceList
from cronicorn_planner.sessions.choosing import (
    SESSIONS_MOST,
    SESSIONS_USUAL,
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
from cronicorn_scheduler.settings import CONCURRENCY, RETENTION
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from cronicorn_worker.faults import UsageFault, sentences
from cronicorn_worker.lengths import UnreadableLength, parse_length

PREFIX = "CRONICORN_"
CONCURRENCY_MOST = 10_000
PROCESSES_MOST = 64
PORT_MOST = 65_535
MANY = 999_999_999
DEFAULT_DATABASE = "sqlite:///cronicorn.db"
_ENV_FILE = ".env"
_DATABASE_NAMES = ("CRONICORN_DATABASE", "CRONICORN_DATABASE_URL", "DATABASE_URL")
_ChoiceT = TypeVar("_ChoiceT", bound=StrEnum)
_ReadT = TypeVar("_ReadT")


class LogFormat(StrEnum):
    """How log lines are written."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that a log line must matter."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _refuse(message: str, remedy: str) -> NoReturn:
    raise PydanticCustomError("refused", "{message}", {"message": message, "remedy": remedy})


def _duration(value: object) -> timedelta:
    try:
        length = parse_length(str(value))
    except UnreadableLength as error:
        _refuse(str(error), error.remedy)
    if length <= timedelta():
        _refuse(f"{value!r} is no time at all", "Give a length above zero, such as 60s.")
    return length


def _number(most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        text = str(value).strip()
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
            _refuse(f"{text[:40]!r} is not possible", f"Give a number from 1 to {most}.")
        return int(text)

    return read


def _port(value: object) -> int:
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > PORT_MOST:
        _refuse(
            f"{text[:40]!r} is no port", f"Give one from 1 to {PORT_MOST}, or 0 for any free one."
        )
    return int(text)


def _quota(value: object) -> tuple[str, ...]:
    entries = _entries(value)
    try:
        quotas_in(entries, Meter.RUNS)
    except InvalidInput as error:
        _refuse(f"{error}", f"Say how many: {error.remedy}.")
    return entries


def _read_by(read: Callable[[str], _ReadT]) -> Callable[[object], _ReadT]:
    """Take a text by a function that refuses with ``InvalidInput``."""

    def taken(value: object) -> _ReadT:
        try:
            return read(str(value))
        except InvalidInput as error:
            _refuse(str(error), f"{error.remedy}.")

    return taken


def _read_or_off(read: Callable[[str], _ReadT | None]) -> Callable[[object], object]:
    """Take a text by a function that knows ``off``; the default is taken as it is."""
    taken = _read_by(read)
    return lambda value: taken(value) if isinstance(value, str) else value


def _flag(value: object) -> bool:
    known = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    text = str(value).strip().lower()
    if text not in known:
        _refuse(f"{text[:40]!r} is neither true nor false", "Write true or false.")
    return known[text]


def _entries(value: object) -> tuple[str, ...]:
    """Take several options, or one variable that holds entries apart by blanks or commas."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        _refuse("these are no entries", "Write HOST[:PORT] or a network.")
    return tuple(entry for text in texts for entry in re.split(r"[\s,]+", str(text)) if entry)


def _host_caps(value: object) -> tuple[str, ...]:
    entries = _entries(value)
    _read_by(lambda _: caps_in(entries, ()))("")
    return entries


def _tenant_caps(value: object) -> tuple[str, ...]:
    entries = _entries(value)
    _read_by(lambda _: caps_in((), entries))("")
    return entries


def _choice(kind: type[_ChoiceT]) -> Callable[[object], _ChoiceT]:
    known = [each.value for each in kind]

    def read(value: object) -> _ChoiceT:
        text = str(value).strip().lower()
        if text not in known:
            near = get_close_matches(text, known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Write one of {', '.join(known)}."
            _refuse(f"{text[:40]!r} is not possible", remedy)
        return kind(text)

    return read


class WorkerSettings(BaseSettings):
    """What was asked for, wherever it was asked."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=_ENV_FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    database: SecretStr | None = Field(None, validation_alias=AliasChoices(*_DATABASE_NAMES))
    poll_only: Annotated[bool, BeforeValidator(_flag)] = False
    jobs: Path | None = None
    prune: Annotated[bool, BeforeValidator(_flag)] = False
    demo: Annotated[bool, BeforeValidator(_flag)] = False
    run_for: Annotated[timedelta, BeforeValidator(_duration)] | None = Field(
        None, validation_alias="CRONICORN_FOR"
    )
    concurrency: Annotated[int, BeforeValidator(_number(CONCURRENCY_MOST))] = CONCURRENCY
    processes: Annotated[int, BeforeValidator(_number(PROCESSES_MOST))] = 1
    host_cap: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_host_caps)] = ()
    tenant_cap: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_tenant_caps)] = ()
    run_quota: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_quota)] = ()
    token_quota: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_quota)] = ()
    ai_model: Annotated[str, BeforeValidator(_read_by(model_in))] | None = None
    ai_vendor: Annotated[AiVendor, BeforeValidator(_choice(AiVendor))] = AiVendor.OPENAI
    ai_base_url: Annotated[str, BeforeValidator(_read_by(base_url_in))] | None = None
    ai_api_key: SecretStr | None = None
    ai_price: Annotated[
        Annotated[PriceList, BeforeValidator(_read_by(prices_in))] | None, NoDecode
    ] = None
    ai_session_tokens: Annotated[int, BeforeValidator(_number(MANY))] = BOUNDS.tokens
    ai_session_cost: Annotated[int, BeforeValidator(_read_by(amount_in))] | None = None
    ai_sessions: Annotated[int, BeforeValidator(_number(SESSIONS_MOST))] = SESSIONS_USUAL
    quota_redis: SecretStr | None = None
    breaker: Annotated[Breaker | None, NoDecode, BeforeValidator(_read_or_off(breaker_in))] = (
        DEFAULT_BREAKER
    )
    retention: Annotated[timedelta | None, NoDecode, BeforeValidator(_read_or_off(age_in))] = (
        RETENTION
    )
    keep_runs: Annotated[int | None, NoDecode, BeforeValidator(_read_or_off(runs_in))] = None
    egress_allow: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_entries)] = ()
    log_format: Annotated[LogFormat, BeforeValidator(_choice(LogFormat))] | None = None
    log_level: Annotated[LogLevel, BeforeValidator(_choice(LogLevel))] = LogLevel.INFO
    metrics_port: Annotated[int, BeforeValidator(_port)] | None = None
    metrics_host: str = "127.0.0.1"
    traces: Annotated[bool, BeforeValidator(_flag)] = False
    secret_key: SecretStr | None = None
    smtp: SecretStr | None = None
    mail_from: str | None = None
    plan_endpoints: Annotated[int, BeforeValidator(_number(MANY))] = SELF_HOSTED.endpoints
    plan_floor_seconds: Annotated[int, BeforeValidator(_number(MANY))] = round(
        SELF_HOSTED.floor.total_seconds()
    )

    def of_process(self, number: int) -> "WorkerSettings":
        """Return the options of one process of several, which are numbered from 1."""
        if not self.metrics_port:
            return self
        return self.model_copy(update={"metrics_port": self.metrics_port + number - 1})

    @property
    def database_url(self) -> str:
        """The database, or the default one."""
        return DEFAULT_DATABASE if self.database is None else self.database.get_secret_value()

    @property
    def key(self) -> str | None:
        """The key or keys to secret headers."""
        return None if self.secret_key is None else self.secret_key.get_secret_value()

    @property
    def allowance(self) -> Allowance:
        """What a tenant may have: what the API judges by, so must the jobs file."""
        floor = timedelta(seconds=self.plan_floor_seconds)
        return Allowance(endpoints=self.plan_endpoints, floor=floor)

    @property
    def caps(self) -> Caps:
        """What may be under way at once."""
        return caps_in(self.host_cap, self.tenant_cap)

    @property
    def quotas(self) -> Quotas:
        """What each tenant may use in a month."""
        runs = quotas_in(self.run_quota, Meter.RUNS)
        tokens = quotas_in(self.token_quota, Meter.TOKENS)
        return Quotas(
            every={**runs.every, **tokens.every}, tenants={**runs.tenants, **tokens.tenants}
        )

    @property
    def chosen_model(self) -> ChosenModel | None:
        """The model that looks at endpoints; None: none is named. Raises ``InvalidInput``."""
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


def read_settings(given: Mapping[str, object]) -> WorkerSettings:
    """
    Read the options; ``given`` are those of the command line, by field name.

    No database means the default: the demo's own, which is temporary, else ``cronicorn.db`` in the
    current directory.

    Raises:
        UsageFault: one is wrong, or two do not go together; the message names where each was set.
    """
    try:
        settings = WorkerSettings(**cast("dict[str, Any]", given))
    except ValidationError as error:
        raise UsageFault("\n".join(_wrong(each, given) for each in error.errors())) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFault(f"{_ENV_FILE} cannot be read: {error}", "Mend or remove it.") from error
    _refuse_contradictions(settings, given)
    if settings.demo and "database" not in given:
        # A variable that names the real database must not bring the demo's jobs into it.
        return settings.model_copy(update={"database": None})
    return settings


def process_environment() -> Mapping[str, str]:
    """Return the variables of ``.env`` and, over them, those of the process."""
    dot_env = DotEnvSettingsSource(WorkerSettings, env_file=_ENV_FILE, case_sensitive=True)
    in_file = {name: value for name, value in dot_env.env_vars.items() if value is not None}
    return {**in_file, **os.environ}


def place_of(field: str, given: Mapping[str, object]) -> str:
    """
    Name where an option was set: ``--jobs``, ``CRONICORN_JOBS``, ``CRONICORN_JOBS in .env``.

    Empty for what is no option.
    """
    if field not in WorkerSettings.model_fields:
        return ""
    if field in given:
        return f"--{_OPTIONS.get(field, field).replace('_', '-')}"
    names = _variables(field)
    if name := next((name for name in names if os.environ.get(name)), None):
        return name
    in_file = process_environment()
    name = next((name for name in names if in_file.get(name)), names[0])
    return f"{name} in {_ENV_FILE}"


_OPTIONS = {"run_for": "for"}
"""Fields whose option has another name."""


def _variables(field: str) -> tuple[str, ...]:
    if field == "database":
        return _DATABASE_NAMES
    return (f"{PREFIX}{_OPTIONS.get(field, field).upper()}",)


def _wrong(details: ErrorDetails, given: Mapping[str, object]) -> str:
    context = details.get("ctx", {})
    field = _field_of(str(details["loc"][0]))
    what = sentences(context.get("message", details["msg"]), context.get("remedy", ""))
    return f"{place_of(field, given)}: {what}"


def _field_of(location: str) -> str:
    fields = WorkerSettings.model_fields
    return next((each for each in fields if location in {each, *_variables(each)}), location)


def _refuse_contradictions(settings: WorkerSettings, given: Mapping[str, object]) -> None:
    if settings.demo and settings.jobs is not None:
        raise UsageFault(
            f"{place_of('demo', given)} and {place_of('jobs', given)} do not go together",
            "The demo has jobs of its own; leave one of the two out.",
        )
    _refuse_half_a_model(settings, given)
    if settings.processes > 1:
        _refuse_several(settings, given)
    if settings.prune and settings.jobs is None:
        raise UsageFault(
            f"{place_of('prune', given)} needs a jobs file",
            "Add --jobs FILE; what is not in it is archived.",
        )


def _refuse_half_a_model(settings: WorkerSettings, given: Mapping[str, object]) -> None:
    try:
        _ = settings.chosen_model
    except InvalidInput as error:
        place = place_of(error.field or "", given)
        raise UsageFault(f"{place} {error}", f"{error.remedy}.") from None


def _refuse_several(settings: WorkerSettings, given: Mapping[str, object]) -> None:
    place = place_of("processes", given)
    if settings.metrics_port and settings.metrics_port + settings.processes - 1 > PORT_MOST:
        raise UsageFault(
            f"{place_of('metrics_port', given)} and {place} do not go together: each process has"
            " a port of its own, from the first one on",
            "Give a lower port.",
        )
    if settings.demo:
        raise UsageFault(
            f"{place_of('demo', given)} and {place} do not go together",
            "The demo is one process that shows itself; leave one of the two out.",
        )
    if sys.platform == "win32":
        raise UsageFault(
            f"{place} does not work on Windows", "Start several workers on one database instead."
        )

"""Jobs and endpoints told member by member, as the audit keeps them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from cronicorn_domain.instants import NO_TIME, iso_milliseconds
from cronicorn_domain.model.audit import FieldChange
from cronicorn_domain.model.endpoint import (
    Delivery,
    Endpoint,
    Limits,
    Method,
    Misfire,
    Retry,
)
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.policies.pausing import PAUSED, pause_in_words
from cronicorn_domain.policies.ruling import rule_in_words
from cronicorn_domain.wording import length_in_words

from cronicorn_management.masking import MASK
from cronicorn_management.settings import EndpointSettings, settings_of

_SHOWN_MOST: Final = 500
_Plain = str | int | bool | datetime | timedelta | StrEnum


_BY_THEMSELVES: Final = frozenset({"headers", "rules"})
_MEMBERS: Final = tuple(
    each.name for each in fields(EndpointSettings) if each.name not in _BY_THEMSELVES
)
_NOTHING: Final[Mapping[str, _Plain]] = {}
_MISFIRE: Final = Misfire()
_RETRY: Final = Retry()
_LIMITS: Final = Limits()
_USUAL: Final[Mapping[str, _Plain]] = {
    "method": Method.GET,
    "jitter": NO_TIME,
    "misfire_policy": _MISFIRE.policy,
    "misfire_grace": _MISFIRE.grace,
    "catch_up_limit": _MISFIRE.catch_up_limit,
    "retry_attempts": _RETRY.attempts,
    "retry_backoff": _RETRY.backoff,
    "retry_backoff_most": _RETRY.backoff_most,
    "delivery": Delivery.AT_LEAST_ONCE,
    "timeout": _LIMITS.timeout,
    "max_response_size": _LIMITS.response_size,
    "redirects": _LIMITS.redirects,
    "response_hints": False,
    "pause_when_gone": False,
    "signing": Signing.WHEN_KEYED,
    "shadow_rules": False,
    "ai_mode": AiMode.OFF,
}
"""What nobody had to say: a creation that told of it would be mostly that."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A member's value; a secret one is compared, and not shown."""

    text: str
    secret: bool = False

    def shown(self) -> str:
        if self.secret:
            return MASK
        return self.text if len(self.text) <= _SHOWN_MOST else f"{self.text[: _SHOWN_MOST - 1]}…"


def changes_between(
    before: Job | Endpoint | None, after: Job | Endpoint
) -> tuple[FieldChange, ...]:
    """
    Tell which members differ, in the order of their names; of something new, what is not usual.

    Of a secret value can be seen only that it is another, of a long one the beginning.
    """
    was: Mapping[str, _Text] = {} if before is None else dict(_told(before))
    became = dict(_told(after, but=_USUAL if before is None else _NOTHING))
    return tuple(
        FieldChange(field=name, before=_shown(was.get(name)), after=_shown(became.get(name)))
        for name in sorted({*was, *became})
        if was.get(name) != became.get(name)
    )


def _shown(value: _Text | None) -> str | None:
    return None if value is None else value.shown()


def _told(
    thing: Job | Endpoint, *, but: Mapping[str, _Plain] = _NOTHING
) -> Iterator[tuple[str, _Text]]:
    match thing:
        case Job():
            yield from _texts({"name": thing.name, "description": thing.description})
            yield from _texts({"state": thing.state, "external_key": thing.external_key})
        case Endpoint():
            yield from _texts({"external_key": thing.external_key, "archived": thing.archived_at})
            yield from _texts(
                {PAUSED: None if thing.pause is None else pause_in_words(thing.pause)}
            )
            yield from _settings(thing, but)
        case _:
            assert_never(thing)


def _settings(endpoint: Endpoint, but: Mapping[str, _Plain]) -> Iterator[tuple[str, _Text]]:
    settings = settings_of(endpoint)
    for header in settings.headers:
        yield f"headers.{header.name}", _Text(header.value, secret=header.secret is True)
    for number, rule in enumerate(endpoint.rules.rules):
        yield f"rules.{number}", _Text(rule_in_words(rule))
    members = ((name, getattr(settings, name)) for name in _MEMBERS)
    yield from _texts({name: value for name, value in members if but.get(name) != value})


def _texts(members: Mapping[str, _Plain | None]) -> Iterator[tuple[str, _Text]]:
    for name, value in members.items():
        if value is not None:
            yield name, _Text(_text(value))


def _text(value: _Plain) -> str:
    match value:
        case datetime():
            return iso_milliseconds(value)
        case timedelta():
            return length_in_words(value)
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)

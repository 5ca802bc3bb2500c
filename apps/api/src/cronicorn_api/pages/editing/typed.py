"""What is typed in the form of an endpoint: read as settings, and kept as it was typed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.endpoint import Delivery, Endpoint, Method, MisfirePolicy
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.schedules.cron import GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.zones import zone
from cronicorn_management.masking import MASK
from cronicorn_management.settings import EndpointSettings, HeaderSetting, settings_of

from cronicorn_api.pages.editing.lengths import length_in
from cronicorn_api.pages.frame.forms import Lists
from cronicorn_api.pages.frame.shapes import interval
from cronicorn_api.pages.frame.told import NO_FAULTS, Fault, Faults, faults_of
from cronicorn_api.pages.timeline.wall_times import wall_time

Read = TypeVar("Read")
KINDS: Final = (("interval", "Every so often"), ("cron", "By the clock"), ("once", "Once"))
_KIBIBYTE: Final = 1024
_LENGTHS: Final = ("min", "max", "jitter", "misfire_grace", "retry_backoff", "retry_backoff_most")
_COUNTS: Final = ("max_runs", "catch_up_limit", "retry_attempts", "redirects")
_CHOICES: Final[Mapping[str, type[StrEnum]]] = {
    "method": Method,
    "misfire_policy": MisfirePolicy,
    "delivery": Delivery,
    "signing": Signing,
    "ai_mode": AiMode,
}
_HEADERS_MOST: Final = 64
_ROWS_MORE: Final = 2
FIELDS: Final[Mapping[str, str]] = {
    "name": "Name",
    "description": "Description",
    "url": "URL",
    "method": "Method",
    "body": "Body",
    "headers": "Headers",
    "kind": "Schedule",
    "every": "Interval",
    "cron": "Cron expression",
    "at": "Instant",
    "timezone": "Time zone",
    "gap": "When the clock jumps ahead",
    "repeat": "When the clock is set back",
    "min": "Shortest interval",
    "max": "Longest interval",
    "starts_at": "Starts",
    "ends_at": "Ends",
    "max_runs": "Runs at most",
    "jitter": "Jitter",
    "misfire_policy": "Missed slots",
    "misfire_grace": "Missed after",
    "catch_up_limit": "Catch up at most",
    "retry_attempts": "Attempts",
    "retry_backoff": "First wait",
    "retry_backoff_most": "Longest wait",
    "delivery": "When a worker is lost",
    "timeout": "Timeout",
    "max_response_size": "Response kept, KiB",
    "redirects": "Redirects followed",
    "signing": "Signing",
    "success_when": "Success when",
    "ai_mode": "AI",
    "ai_model": "Model",
}
SWITCHES: Final[Mapping[str, str]] = {
    "response_hints": "Heed what the answer asks for",
    "pause_when_gone": "Pause when the answer is 410 Gone",
}
"""What can be ticked, and what it is called."""
_NAMES: Final = {
    "retry.attempts": "retry_attempts",
    "retry.backoff": "retry_backoff",
    "retry.backoff_most": "retry_backoff_most",
}
"""What the domain calls a member, and the form does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderTyped:
    """A line for a header; the value of a secret one that stands is its mask."""

    name: str = ""
    value: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """
    A form as it was typed.

    Attributes:
        values: What stands in each field.
        headers: The lines for headers, some of them empty.
        switches: Which boxes are ticked.
        seen: Which version was edited; empty: a new endpoint.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    headers: Sequence[HeaderTyped] = ()
    switches: frozenset[str] = frozenset()
    seen: str = ""

    def get(self, name: str) -> str:
        """Return what stands in a field."""
        return self.values.get(name, "")


def typed_in(form: Lists) -> Typed:
    """Keep what a form holds."""
    values = {name: form[name][-1] for name in form if name in FIELDS}
    values["kind"] = values.get("kind", "interval")
    names, given = form.get("header_name", []), form.get("header_value", [])
    secret = frozenset(form.get("header_secret", []))
    pairs = list(zip(names, given, strict=False))[:_HEADERS_MOST]
    return Typed(
        values=values,
        headers=_with_room(
            [
                HeaderTyped(name=name, value=value, secret=str(number) in secret)
                for number, (name, value) in enumerate(pairs)
                if name.strip() or value
            ]
        ),
        switches=frozenset(name for name in SWITCHES if form.get(name, [""])[-1] == "yes"),
        seen=form.get("seen", [""])[-1],
    )


def typed_of(endpoint: Endpoint | None, here: ZoneInfo, *, seen: str = "") -> Typed:
    """Type an endpoint as it stands, its secrets masked; None: a new one, with what is usual."""
    if endpoint is None:
        usual = {"kind": "interval", "every": "5 min", "method": "GET", "timezone": here.key}
        return Typed(values=usual, headers=_with_room([]), switches=frozenset())
    given = settings_of(endpoint)
    values = {name: _shown(getattr(given, name)) for name in FIELDS if hasattr(given, name)}
    values["kind"] = "cron" if given.cron else "once" if given.at else "interval"
    for name in (*_LENGTHS, "every", "timeout"):
        length = getattr(given, name)
        values[name] = "" if length is None else interval(length)
    for name in ("at", "starts_at", "ends_at"):
        instant: datetime | None = getattr(given, name)
        values[name] = "" if instant is None else _wall(instant, here)
    if not given.timezone:
        values["timezone"] = here.key
    size = given.max_response_size
    values["max_response_size"] = "" if size is None else f"{size / _KIBIBYTE:g}"
    headers = [
        HeaderTyped(
            name=each.name, value=MASK if each.secret else each.value, secret=bool(each.secret)
        )
        for each in given.headers
    ]
    return Typed(
        values=values,
        headers=_with_room(headers),
        switches=frozenset(name for name in SWITCHES if getattr(given, name)),
        seen=seen,
    )


class Reading:
    """Reads fields one by one, so that one fault does not hide another."""

    def __init__(self, typed: Typed, here: ZoneInfo) -> None:
        self._typed = typed
        self._here = here
        self.faults: list[Fault] = []

    def members(self) -> dict[str, Any]:
        """Return the members that were given."""
        typed = self._typed
        read: dict[str, Any] = {
            "name": typed.get("name").strip(),
            "url": typed.get("url").strip(),
            "description": typed.get("description").strip() or None,
            "body": typed.get("body").replace("\r\n", "\n") or None,
            "success_when": typed.get("success_when").strip() or None,
            "ai_model": typed.get("ai_model").strip() or None,
            "headers": tuple(
                HeaderSetting(name=each.name.strip(), value=each.value, secret=each.secret)
                for each in typed.headers
                if each.name.strip() or each.value
            ),
            **{name: name in typed.switches for name in SWITCHES},
        }
        for name in (*_LENGTHS, "timeout"):
            read[name] = self._try(name, partial(length_in, field=name))
        for name in _COUNTS:
            read[name] = self._try(name, partial(_count, name=name))
        for name, kind in _CHOICES.items():
            read[name] = self._try(name, partial(_choice, kind=kind))
        for name in ("starts_at", "ends_at"):
            read[name] = self._try(name, partial(self._instant, name=name))
        size = self._try("max_response_size", _size)
        return read | {"max_response_size": size} | self._schedule()

    def _schedule(self) -> dict[str, Any]:
        match self._typed.get("kind"):
            case "cron":
                return {
                    "cron": self._needed("cron", str.strip),
                    "timezone": self._typed.get("timezone").strip() or None,
                    "gap": self._try("gap", partial(_choice, kind=GapPolicy)),
                    "repeat": self._try("repeat", partial(_choice, kind=RepeatPolicy)),
                }
            case "once":
                at = self._needed("at", partial(self._instant, name="at"))
                return {"at": at, "min": None, "max": None}
            case _:
                return {"every": self._needed("every", partial(length_in, field="every"))}

    def _needed(self, name: str, read: Callable[[str], Read | None]) -> Read | None:
        found = self._try(name, read)
        if not found and not any(each.field == name for each in self.faults):
            message = f"{FIELDS[name]} is missing: write one, or choose another kind of schedule."
            self.faults.append(Fault(field=name, message=message))
        return found

    def _try(self, name: str, read: Callable[[str], Read | None]) -> Read | None:
        try:
            return read(self._typed.get(name))
        except InvalidInput as error:
            self.faults += faults_of(error)
        except ValueError:
            self.faults.append(Fault(field=name, message="That is none of the choices."))
        return None

    def _instant(self, text: str, name: str) -> datetime | None:
        return wall_time(text.strip(), self._here, field=name) if text.strip() else None


def settings_in(
    typed: Typed,
    here: ZoneInfo,
    *,
    stands: EndpointSettings | None = None,
    shown: Typed | None = None,
) -> tuple[EndpointSettings | None, Faults]:
    """
    Read settings; None: something cannot be read, and the faults say what.

    ``stands``: what is there already; rules are edited elsewhere, and stay. ``shown`` is how that
    was typed: what nobody touched stays to the letter, finer than a field shows it.
    """
    reading = Reading(typed, here)
    members = reading.members()
    if reading.faults:
        return None, Faults(reading.faults)
    if stands is None:
        return EndpointSettings(**members), NO_FAULTS
    cleared = dict.fromkeys(("every", "cron", "at", "timezone", "gap", "repeat"))
    given = {**cleared, **members}
    if shown is not None and typed.get("kind") == shown.get("kind"):
        untouched = [name for name in given if name in FIELDS and _same(typed, shown, name)]
        given |= {name: getattr(stands, name) for name in untouched if name != "headers"}
    return replace(stands, **given), NO_FAULTS


def _same(typed: Typed, shown: Typed, name: str) -> bool:
    now, before = (each.get(name).replace("\r\n", "\n") for each in (typed, shown))
    return now == before


def faults_at(error: InvalidInput) -> Faults:
    """Tell a refusal at the fields of this form; a header's at the headers."""
    told = faults_of(error, _NAMES)
    return Faults(
        Fault(
            field="headers" if each.field.startswith("headers") else each.field,
            message=each.message,
        )
        for each in told
    )


def zone_in(typed: Typed, otherwise: str) -> ZoneInfo:
    """Return the zone in which wall times were typed."""
    try:
        return zone(typed.get("timezone").strip() or otherwise)
    except InvalidInput:
        return zone(otherwise)


def _with_room(headers: Sequence[HeaderTyped]) -> Sequence[HeaderTyped]:
    return [*headers, *(HeaderTyped() for _ in range(_ROWS_MORE))]


def _count(text: str, name: str) -> int | None:
    given = text.strip()
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 9:  # noqa: PLR2004
        raise InvalidInput(
            f"{given[:20]!r} is no count", field=name, remedy="write a whole number, such as 3"
        )
    return int(given)


def _choice(text: str, kind: type[StrEnum]) -> StrEnum | None:
    return kind(text) if text else None


def _size(text: str) -> int | None:
    given = text.strip().removesuffix("KiB").strip()
    if not given:
        return None
    try:
        return round(float(given) * _KIBIBYTE)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{given[:20]!r} is no size",
            field="max_response_size",
            remedy="write a number of KiB, such as 100",
        ) from None


def _shown(value: object) -> str:
    if value is None or isinstance(value, tuple):
        return ""
    return str(getattr(value, "value", value))


def _wall(instant: datetime, here: ZoneInfo) -> str:
    return instant.astimezone(here).strftime("%Y-%m-%dT%H:%M:%S")

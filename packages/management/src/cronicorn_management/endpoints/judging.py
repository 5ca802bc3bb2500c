"""Judges what is said of an endpoint: all its faults at once, or a configuration."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from cronicorn_domain.errors import InvalidInput, InvalidSchedule
from cronicorn_domain.model.endpoint import Header
from cronicorn_domain.policies.proposing import check_floor
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_domain.schedules.schedule import IntervalSchedule

from cronicorn_management.attempts import Attempts
from cronicorn_management.conditions import Conditions
from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.configuration import Configuration
from cronicorn_management.endpoints.making import configuration
from cronicorn_management.settings import (
    CRON_ONLY,
    RECURRING_ONLY,
    SCHEDULES,
    EndpointSettings,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """
    Judges settings by the rules of one tenant.

    Attributes:
        rules: Where requests may go.
        floor: No interval is shorter.
        conditions: Which conditions can be meant.
    """

    rules: EgressRules
    floor: timedelta
    conditions: Conditions

    def configuration(
        self, settings: EndpointSettings, *, stored: Sequence[Header] = ()
    ) -> Configuration:
        """
        Return what the settings mean.

        ``stored`` are the headers that stand: a secret one whose mask was given keeps its value.

        Raises:
            InvalidInput: it cannot be meant; ``issues`` are all its faults.
        """
        tried = Attempts()
        meant = self._tried(settings, stored, tried)
        tried.end()
        assert meant is not None, "what has no fault can be meant"
        return meant

    def judged(
        self, settings: EndpointSettings, *, unusable: frozenset[str] = frozenset()
    ) -> tuple[Configuration | None, Sequence[InvalidInput]]:
        """
        Return what the settings mean, and every fault that is found in them.

        ``unusable`` are members already known to be wrong. With any of them, or with a fault, they
        mean nothing, but the other members are judged all the same.
        """
        tried = Attempts(unusable)
        meant = self._tried(settings, (), tried)
        return (None if tried.faults or unusable else meant), tried.faults

    def _tried(
        self, settings: EndpointSettings, stored: Sequence[Header], tried: Attempts
    ) -> Configuration | None:
        tried.attempt(("url",), lambda: self.rules.check(settings.url))
        tried.faults += _misplaced(settings, tried.unusable)
        meant = configuration(settings, stored, self.conditions, tried)
        if meant is not None and not tried.faults:
            for name, length in _intervals(meant):
                tried.attempt((), partial(check_floor, length, self.floor, field=name))
        return meant


def _intervals(meant: Configuration) -> Iterator[tuple[str, timedelta | None]]:
    if isinstance(meant.schedule, IntervalSchedule):
        yield "every", meant.schedule.every
    yield "min", meant.guardrails.shortest
    yield "max", meant.guardrails.longest


def _misplaced(settings: EndpointSettings, unusable: frozenset[str]) -> Iterator[InvalidInput]:
    """Refuse no schedule, several, and members that belong to another kind of schedule."""
    given = [name for name in SCHEDULES if name in unusable or getattr(settings, name) is not None]
    if not given:
        yield InvalidSchedule("there is no schedule", remedy="Give one of every, cron and at.")
    for name in given[1:]:
        yield InvalidSchedule(
            f"there is {given[0]} as well", field=name, remedy="Keep one of every, cron and at."
        )
    if given and "cron" not in given:
        for name in _present(settings, CRON_ONLY):
            yield InvalidInput("only a cron expression has it", field=name, remedy="Remove it.")
    if given == ["at"]:
        for name in _present(settings, RECURRING_ONLY):
            yield InvalidInput(
                "a single instant has no interval", field=name, remedy=f"Remove {name}."
            )


def _present(settings: EndpointSettings, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if getattr(settings, name) is not None]


def judge_of(work: Changing) -> Judge:
    """Return the judge by the rules that hold for whoever works."""
    return Judge(rules=work.rules, floor=work.allowance.floor, conditions=work.conditions)

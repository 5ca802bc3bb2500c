"""
All that will happen in a simulated world, as data: who is there, what is done, what breaks.

A scenario is drawn from a seed before the world begins, so that any part of it can be left out
and the rest stays as it is. Every part has a short name for that: ``e3`` an endpoint, ``w1`` a
worker, ``d12`` a deed, ``t4`` a trouble. Instants are counted from the beginning.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.quota import NO_QUOTAS, Quotas
from cronicorn_scheduler.settings import SchedulerSettings

from tools.simulate.deeds import Act
from tools.simulate.participants import Newcomer, Worker
from tools.simulate.troubles import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that a person, a rule or a model does; ``whole`` steps lie apart by ``pace``."""

    name: str
    after: timedelta
    act: Act
    pace: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """
    A world before it begins.

    Attributes:
        seed: Orders what is ready together, and spreads waits.
        begins_at: The instant from which everything is counted.
        lasts: How long deeds and troubles go on.
        peace: How long the world goes on after that, with everything mended.
        floor: The tenants' floor.
        lateness_allowed: Beyond it a claim outside of outages is late; None: nothing is.
        patience: Beyond it what could be served and was not is lost.
        settings: What the workers' schedulers are set to, beside their names.
        quotas: What tenants may use in a month.
        clocks_ahead: How far ahead of the shared time workers' clocks may be.
        planned: Whether each worker has a planner, and a model that says what it likes.
    """

    seed: int
    begins_at: datetime
    lasts: timedelta
    peace: timedelta
    floor: timedelta
    jobs: tuple[Job, ...]
    newcomers: tuple[Newcomer, ...]
    workers: tuple[Worker, ...]
    settings: SchedulerSettings
    deeds: tuple[Deed, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    lateness_allowed: timedelta | None = None
    patience: timedelta | None = None
    quotas: Quotas = NO_QUOTAS
    clocks_ahead: timedelta = NO_TIME
    planned: bool = False

    def parts(self) -> tuple[str, ...]:
        """Return the names of all parts."""
        return tuple(
            part.name for part in (*self.newcomers, *self.workers, *self.deeds, *self.troubles)
        )

    def only(self, names: AbstractSet[str]) -> Self:
        """Return the scenario with these parts alone."""
        return replace(
            self,
            newcomers=tuple(part for part in self.newcomers if part.name in names),
            workers=tuple(part for part in self.workers if part.name in names),
            deeds=tuple(part for part in self.deeds if part.name in names),
            troubles=tuple(part for part in self.troubles if part.name in names),
        )

    def lasting(self, length: timedelta) -> Self:
        """Return the scenario cut after a length; what would come later never comes."""
        return replace(
            self,
            lasts=min(length, self.lasts),
            newcomers=tuple(part for part in self.newcomers if part.after <= length),
            deeds=tuple(part for part in self.deeds if part.after <= length),
            troubles=tuple(part for part in self.troubles if part.after <= length),
        )

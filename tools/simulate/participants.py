"""Who takes part: endpoints with the targets they call, and workers."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.endpoint import Endpoint


class Manner(StrEnum):
    """What a target says about the next call, in the head of its answer."""

    BUSY = "busy"
    BUSY_UNTIL = "busy until"
    MOVED = "moved"
    GONE = "gone"
    NEXT_RUN = "next run"
    PAUSE = "pause"
    NONSENSE = "nonsense"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """So large a share of answers, each in one of these ways."""

    share: float
    ways: tuple[Manner, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    What an endpoint's requests meet.

    Attributes:
        seed: Decides about each request by itself, whatever else happens.
        failing: The share of requests that fail.
        lengths: How long a request may take; each is as likely.
        manners: What it says about the next call; None: nothing ever.
    """

    seed: int
    failing: float
    lengths: tuple[timedelta, ...]
    manners: Manners | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """An endpoint that is created ``after`` the beginning."""

    name: str
    after: timedelta
    endpoint: Endpoint
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """
    A place that a worker has; when one has ended there another may follow.

    Attributes:
        clock_error: How wrong its time is before the first measurement.
        latency: How long its messages to the store and back take at most.
        ahead: How far ahead its measurements of the time are.
    """

    name: str
    after: timedelta = NO_TIME
    clock_error: timedelta = NO_TIME
    latency: timedelta = NO_TIME
    ahead: timedelta = NO_TIME


def identity(seed: int, name: str) -> UUID:
    """Return an id that belongs to a name in a scenario, whatever else the scenario holds."""
    digest = blake2b(f"{seed}|{name}".encode(), digest_size=16).digest()
    return UUID(bytes=digest, version=4)

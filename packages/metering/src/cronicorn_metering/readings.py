"""What metrics read when somebody asks for them, and nobody counts."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from cronicorn_domain.model.quota import NO_QUOTAS, Quotas
from cronicorn_domain.model.slot_record import Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """
    The worker's own numbers.

    Attributes:
        concurrency: Runs in hand at most.
        replacements: How often this process of several has been replaced before.
        connections_most: Connections to the store at most.
        connections_in_use: How many of them somebody has now.
        slots_recorded: Slots that were recorded instead of run, by fate; it keeps growing.
        quotas: What tenants may use; those who have one by name are told apart.
        open_breakers: Asks the store how many hosts calls are held back from.
        clock_skew: How far the machine's clock is ahead of the store's.
    """

    concurrency: int
    replacements: int = 0
    connections_most: int
    connections_in_use: Callable[[], int]
    slots_recorded: Mapping[Fate, int]
    clock_skew: Callable[[], timedelta]
    open_breakers: Callable[[], Awaitable[int]]
    quotas: Quotas = NO_QUOTAS

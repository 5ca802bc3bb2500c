"""A breaker: what stops calling a host that fails whoever calls it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import NO_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """
    When the calls of a tenant's endpoints to a host are held back, and how it is found out again.

    Attributes:
        opens_after: Consecutive failures of the host, whichever endpoints they are of.
        probe_every: While it is open one call in such a time goes through.
    """

    opens_after: int = 10
    probe_every: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        """Refuse one that is always open, and probes that are none."""
        if self.opens_after < 1:
            raise InvalidInput(
                f"a breaker that opens after {self.opens_after} failures is always open",
                field="breaker",
                remedy="give 1 or more",
            )
        if self.probe_every <= NO_TIME:
            raise InvalidInput(
                "the time between probes is none", field="breaker", remedy="give a length above 0s"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """
    A host that fails a tenant's calls.

    Attributes:
        failures: In a row, over all of the tenant's endpoints there.
        probe_at: From then on one call may try it again; None: one may at once.
    """

    host: str
    failures: int
    probe_at: datetime | None = None

    def may_probe(self, now: datetime) -> bool:
        """Say whether a call may try the host again."""
        return self.probe_at is None or self.probe_at <= now


DEFAULT_BREAKER = Breaker()
"""Ten failures in a row open it, and one call a minute tries the host again."""
FORGOTTEN_AFTER = timedelta(days=7)
"""A host that has not failed for so long, as nobody calls it any more, is one that answers."""

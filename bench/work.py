"""
The work that every system does: so many endpoints, each called once a step, on a fixed grid.

It needs the standard library alone, so that the peers read it in environments of their own.
"""

import json
from dataclasses import asdict, dataclass

SLOT_HEADER = "X-Cronicorn-Scheduled-For"
"""Every system tells the target with each call which slot it is for, as ISO 8601."""

AT_ONCE = 400
"""Calls at once, at most, wherever a system can be told: the default of this project's worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """
    Endpoints that are due once a step, from an instant on; lengths and instants in milliseconds.

    Their slots are spread evenly over the step, or all at its beginning when it is a burst. That
    of endpoint ``n`` are ``begins_at + phase(n) + k * step``. Each has so many rules, of ours; with
    ``holds`` one of them holds of every answer.
    """

    endpoints: int
    step: int
    begins_at: int
    target: str
    burst: bool = False
    rules: int = 0
    holds: bool = False

    @property
    def rate(self) -> float:
        """Slots in a second."""
        return self.endpoints * 1000 / self.step

    def phase(self, endpoint: int) -> int:
        """How long after the beginning of a step an endpoint is due."""
        return 0 if self.burst else endpoint * self.step // self.endpoints

    def url(self, endpoint: int) -> str:
        """Where the target wants to be called for an endpoint."""
        return f"{self.target}/fire/{endpoint}"

    def next_slot(self, endpoint: int, *, after: int) -> int:
        """Return the first slot of an endpoint strictly behind an instant."""
        first = self.begins_at + self.phase(endpoint)
        return first + max(0, (after - first) // self.step + 1) * self.step

    def json(self) -> str:
        """Write it down for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Work":
        """Read what `json` wrote."""
        return cls(**json.loads(text))

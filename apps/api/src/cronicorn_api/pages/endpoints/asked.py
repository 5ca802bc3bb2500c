"""What the address of a list of endpoints asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Source
from cronicorn_domain.ports.board import Order, Wanted

_STATES: Final[Mapping[str, tuple[str, Wanted]]] = {
    "": ("Any state", Wanted()),
    "failing": ("Failing", Wanted(failing=True)),
    "late": ("Late", Wanted(late=True)),
    **{
        each.value: (each.value.capitalize(), Wanted(conditions=frozenset({each})))
        for each in (
            Condition.RUNNING,
            Condition.ACTIVE,
            Condition.PAUSED,
            Condition.DEFERRED,
            Condition.QUARANTINED,
            Condition.FINISHED,
        )
    },
}
_SOURCES: Final[Mapping[str, tuple[str, frozenset[Source] | None]]] = {
    "": ("Any source", None),
    "schedule": (
        "Schedule",
        frozenset({Source.BASELINE_CRON, Source.BASELINE_INTERVAL, Source.BASELINE_ONCE}),
    ),
    "ai": ("AI", frozenset({Source.AI_INTERVAL, Source.AI_ONESHOT})),
    "rule": ("Rule", frozenset({Source.RULE_INTERVAL, Source.RULE_ONESHOT})),
    "person": ("Person or API", frozenset({Source.API_INTERVAL, Source.API_ONESHOT})),
    "response": ("Response", frozenset({Source.RESPONSE_INTERVAL, Source.RESPONSE_ONESHOT})),
    "guardrail": ("Guardrail", frozenset({Source.CLAMPED_MIN, Source.CLAMPED_MAX})),
    "other": (
        "By hand, trigger, retry",
        frozenset({Source.MANUAL, Source.TRIGGER, Source.RETRY, Source.CATCH_UP}),
    ),
}
_ORDERS: Final[Mapping[str, tuple[str, Order]]] = {
    "": ("By name", Order.NAME),
    "worst": ("Worst first", Order.WORST),
    "next": ("Next first", Order.NEXT),
    "newest": ("Newest first", Order.NEWEST),
}
_TEXT_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    Which endpoints an address asks for, in which order, and behind which.

    What makes no sense is not asked.
    """

    text: str = ""
    state: str = ""
    job: JobId | None = None
    source: str = ""
    sort: str = ""
    after: EndpointId | None = None

    @property
    def wanted(self) -> Wanted:
        """Return the filter."""
        of_state = _STATES[self.state][1]
        return Wanted(
            job_id=self.job,
            text=self.text or None,
            conditions=of_state.conditions,
            failing=of_state.failing,
            late=of_state.late,
            sources=_SOURCES[self.source][1],
        )

    @property
    def order(self) -> Order:
        """Return the order."""
        return _ORDERS[self.sort][1]

    @property
    def filters(self) -> Sequence[tuple[str, str]]:
        """Return what chooses endpoints, as the names and values of a form."""
        given = {
            "q": self.text,
            "state": self.state,
            "job": "" if self.job is None else str(self.job),
            "source": self.source,
        }
        return [(name, value) for name, value in given.items() if value]

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter holds."""
        return bool(self.filters)

    def path(self, *, after: EndpointId | str | None = None, sort: str | None = None) -> str:
        """Return the address of this list, behind an endpoint, or in another order."""
        chosen = self.sort if sort is None else sort
        query = [*self.filters]
        if chosen:
            query.append(("sort", chosen))
        if after is not None:
            query.append(("after", str(after)))
        return f"/endpoints?{urlencode(query)}" if query else "/endpoints"


def asked_in(given: Mapping[str, str]) -> Asked:
    """Read what is asked for."""
    job, after = _id(given.get("job", "")), _id(given.get("after", ""))
    return Asked(
        text=given.get("q", "").strip()[:_TEXT_MOST].replace("\0", ""),
        state=_known(given.get("state", ""), _STATES),
        job=None if job is None else JobId(job),
        source=_known(given.get("source", ""), _SOURCES),
        sort=_known(given.get("sort", ""), _ORDERS),
        after=None if after is None else EndpointId(after),
    )


def state_options() -> Sequence[tuple[str, str]]:
    """Return the states that can be chosen, as value and word."""
    return [(value, word) for value, (word, _) in _STATES.items()]


def source_options() -> Sequence[tuple[str, str]]:
    """Return the sources that can be chosen."""
    return [(value, word) for value, (word, _) in _SOURCES.items()]


def sort_options() -> Sequence[tuple[str, str]]:
    """Return the orders that can be chosen."""
    return [(value, word) for value, (word, _) in _ORDERS.items()]


def _known(value: str, options: Mapping[str, object]) -> str:
    return value if value in options else ""


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None

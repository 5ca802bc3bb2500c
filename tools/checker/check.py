"""
The checker: judges a history, whoever wrote it.

One reading for simulation, whole-system tests, benchmarks and live databases. It computes from the
definitions and the log of edits which slots had to be, and matches runs and records to them; it
shares no rule with the scheduler it judges.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.job import JobState

from tools.checker.access import check_access, check_triggers
from tools.checker.accounting import account
from tools.checker.additions import check_additions
from tools.checker.attempts import check_attempt
from tools.checker.bounds import check_bounds
from tools.checker.breakers import check_breakers
from tools.checker.caps import check_caps
from tools.checker.classes import check_class
from tools.checker.due_instants import check_due
from tools.checker.finding import Finding
from tools.checker.heeding import check_heeding
from tools.checker.history import Created, Edited, Entry, History, JobMoved
from tools.checker.jitter import check_jitter, check_same_jitter
from tools.checker.keeping import check_keeping
from tools.checker.keys import check_keys
from tools.checker.late import (
    Patience,
    check_claimed,
    check_kept,
    check_left,
    check_reaped,
    check_unrun,
    waits,
)
from tools.checker.leases import check_leases, check_tokens
from tools.checker.life import Life, lives
from tools.checker.misfires import check_misfires
from tools.checker.proposals import check_hint, check_served, check_turn
from tools.checker.quotas import check_quotas
from tools.checker.requests import check_requests
from tools.checker.waits import check_waits
from tools.checker.walking import Walked, walk


@dataclass(slots=True, kw_only=True)
class Report:
    """
    What was found, and how much was judged.

    Attributes:
        slots: The slots judged, by how: recurring ones as ``plain`` or ``replayed`` (see
            ``accounting``), the others by the kind of their run.
        endpoints: How many lives were walked through.
        unreadable: Endpoints of which the history holds no definition; nothing else is left out.
    """

    findings: list[Finding] = field(default_factory=list)
    slots: Counter[str] = field(default_factory=Counter)
    endpoints: int = 0
    unreadable: int = 0


def examine(history: History) -> Report:
    """Find every fault of a history, and say how much there was to judge; none: it is sound."""
    report = Report()
    punctual = _patience(history, history.lateness_allowed)
    patience = _patience(history, history.patience)
    for life in lives(history):
        report.endpoints += 1
        walked = walk(life, _job_state(history, life))
        report.findings += check_leases(life, history.settled_orders)
        report.findings += check_requests(life, history.clocks_ahead)
        report.findings += check_waits(life)
        report.findings += check_heeding(life)
        if walked.epochs:
            report.findings += _judge(
                life,
                walked,
                report,
                clocks_ahead=history.clocks_ahead,
                punctual=punctual,
                patience=patience,
            )
        else:
            report.unreadable += 1
    report.findings += check_tokens(history)
    report.findings += check_caps(history)
    report.findings += check_breakers(history)
    report.findings += check_quotas(history)
    report.findings += check_keeping(history)
    report.findings += check_additions(history)
    report.findings += check_keys(history)
    return report


def _patience(history: History, allowed: timedelta | None) -> Patience | None:
    if allowed is None:
        return None
    return Patience(allowed=allowed, outages=history.outages, ends_at=history.ends_at)


def _judge(
    life: Life,
    walked: Walked,
    report: Report,
    *,
    clocks_ahead: timedelta,
    punctual: Patience | None,
    patience: Patience | None,
) -> Iterator[Finding]:
    accounts = account(life, walked)
    yield from accounts.findings
    yield from check_triggers(walked, life.endpoint_id)
    links = [link for link in accounts.links if walked.is_judged(link.at)]
    yield from check_misfires(life, walked, links)
    claims = [claim for claim in walked.claims if walked.is_judged(claim.at)]
    for claim in claims:
        yield from check_attempt(claim)
        yield from check_class(claim)
        yield from check_due(claim)
        yield from check_jitter(claim)
        yield from check_same_jitter(claim)
        yield from check_access(claim, walked.accesses, clocks_ahead)
        yield from check_bounds(claim)
        yield from check_served(claim, walked)
        yield from check_hint(claim)
        yield from check_turn(claim)
        if punctual is not None:
            yield from check_claimed(claim, punctual)
    if patience is not None:
        yield from check_reaped(life, patience)
        if not waits(life, patience):
            yield from check_left(life, walked, accounts.due, patience)
            yield from check_unrun(life, walked, patience)
    if life.kept is not None:
        yield from check_kept(walked, accounts.due, life.endpoint_id, life.kept)
    report.slots.update(accounts.judged)
    others = {
        (claim.run.kind.value, claim.run.slot)
        for claim in claims
        if claim.run.kind is not Kind.RECURRING
    }
    report.slots.update(kind for kind, _ in others)


def _job_state(history: History, life: Life) -> JobState:
    """Return the state of the endpoint's job when the history began."""
    for moment in life.moments:
        if isinstance(moment, Entry):
            match moment.deed:
                case Created(endpoint=endpoint) | Edited(endpoint=endpoint):
                    return history.jobs.get(endpoint.job_id, JobState.ACTIVE)
                case JobMoved():
                    break
                case _:
                    continue
    return JobState.ACTIVE

"""What the page of a run shows, in the words in which it shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.decision import Rule, Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Author, Hint, IntervalHint, OneShotHint
from cronicorn_domain.model.rules import Every, RunIn
from cronicorn_domain.model.run import BodyKind, Run, RunStatus
from cronicorn_domain.policies.explaining import reason_of
from cronicorn_domain.policies.ruling import why_of_rule
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_management.history.surroundings import RunAmongOthers
from cronicorn_management.masking import shown_headers, shown_response_headers

from cronicorn_api.pages.endpoint.views import curl_of, moments_of, zone_of
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import Outcome, outcome_of_run
from cronicorn_api.pages.frame.shapes import bytes_of, interval, length
from cronicorn_api.pages.runs.trees import Node, tree_of
from cronicorn_api.pages.timeline.marks import LATE_FROM, lateness_of
from cronicorn_api.pages.timeline.sources import author_words, source_words
from cronicorn_api.pages.timeline.why import Why, why_of

_ASKING: Final = frozenset({Rule.MANUAL, Rule.TRIGGER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the time that a run took; places are in percent of its bar."""

    name: str
    css: str
    x: float
    width: float
    took: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of the run's slot."""

    id: str
    number: int
    outcome: Outcome
    word: str
    started: Moment
    took: str
    message: str | None
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    What led to the run besides the schedule.

    Attributes:
        text: What it is.
        reason: Why, in the words of whoever asked for it.
        href: Where it is shown.
        made_by: What it came from, such as a session, and ``made_at`` where that is shown.
    """

    text: str
    reason: str | None
    href: str | None = None
    made_by: str = ""
    made_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What is sent; ``edited_since``: now, since the endpoint was edited after the run."""

    method: str
    url: str
    curl: str
    headers: Sequence[tuple[str, str]]
    body: str | None
    edited_since: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Sequence[tuple[str, str]]
    kind: str
    size: str
    truncated: bool
    tree: Node | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """The page of a run."""

    id: str
    endpoint_id: str
    endpoint_name: str
    outcome: Outcome
    word: str
    sentence: str
    slot: Moment
    due: Moment
    started: Moment | None
    ended: Moment | None
    took: str
    late: str
    is_late: bool
    attempt: str
    source: str
    worker: str
    message: str | None
    why: Why
    why_instants: Mapping[int, Moment]
    since: Moment | None
    parts: Sequence[Part]
    attempts: Sequence[Attempt]
    causes: Sequence[Cause]
    request: Sent | None
    answer: Answer | None
    before: str | None
    behind: str | None
    running: bool


def run_view(found: RunAmongOthers, zones: Zones) -> RunView:
    """Say what the page of a run shows."""
    run, endpoint, around = found.run, found.endpoint, found.around
    zone = None if endpoint is None else zone_of(endpoint)
    unchanged = endpoint is not None and endpoint.updated_at <= run.claimed_at
    since = None if around.before is None else around.before.slot
    why = why_of(
        run.decision,
        since=since,
        endpoint=endpoint if unchanged else None,
        at=zones.writer(zone),
    )
    outcome = outcome_of_run(run.status, run.failure_kind)
    lateness = lateness_of(run)
    return RunView(
        id=str(run.id),
        endpoint_id=str(run.endpoint_id),
        endpoint_name=str(run.endpoint_id) if endpoint is None else endpoint.name,
        outcome=outcome,
        word=_word(run, outcome),
        sentence=_sentence(run, endpoint, zones),
        slot=zones.moment(run.slot, zone),
        due=zones.moment(run.decision.due_at, zone),
        started=zones.moment_if_any(run.started_at, zone),
        ended=zones.moment_if_any(run.finished_at, zone),
        took=_took(run),
        late=length(lateness),
        is_late=lateness is not None and lateness >= LATE_FROM,
        attempt=_attempt_words(run, endpoint if unchanged else None),
        source=source_words(run.decision.source),
        worker=run.worker,
        message=run.message,
        why=why,
        why_instants=moments_of(why, zones, zone),
        since=zones.moment_if_any(since, zone),
        parts=_parts(run),
        attempts=[_attempt(each, run, zones, zone) for each in around.attempts],
        causes=_causes(found, zones, zone),
        request=None if endpoint is None else _request(endpoint, edited_since=not unchanged),
        answer=_answer(run),
        before=None if around.before is None else f"/runs/{around.before.id}",
        behind=None if around.behind is None else f"/runs/{around.behind.id}",
        running=run.status is RunStatus.RUNNING,
    )


def _request(endpoint: Endpoint, *, edited_since: bool) -> Sent:
    request = endpoint.request
    return Sent(
        method=request.method.value,
        url=request.url,
        curl=curl_of(endpoint),
        headers=shown_headers(request.headers),
        body=request.body,
        edited_since=edited_since,
    )


def _attempt_words(run: Run, endpoint: Endpoint | None) -> str:
    """Say which attempt it is, and of how many, where that is known still."""
    if endpoint is None or run.attempt > endpoint.retry.attempts:
        return str(run.attempt)
    return f"{run.attempt} of {endpoint.retry.attempts}"


def _word(run: Run, outcome: Outcome) -> str:
    if run.status is RunStatus.FAILED and run.response is not None:
        return f"{outcome.word}, HTTP {run.response.status_code}"
    if run.failure_kind is not None:
        return f"{outcome.word}, {run.failure_kind.value.replace('_', ' ')}"
    return outcome.word


def _sentence(run: Run, endpoint: Endpoint | None, zones: Zones) -> str:
    if endpoint is None:
        return f"Planned by: {source_words(run.decision.source)}."
    why = reason_of(run.decision, endpoint, at=zones.writer(zone_of(endpoint)))
    return f"{why[0].upper()}{why[1:]}."


def _took(run: Run) -> str:
    if run.started_at is None or run.finished_at is None:
        return "-"
    return length(run.finished_at - run.started_at)


def _parts(run: Run) -> Sequence[Part]:
    """Divide the time from when it was due to when it ended."""
    start, end = run.started_at, run.finished_at
    if start is None or end is None:
        return ()
    timing = run.timing
    edges: list[tuple[str, str, datetime]] = [("wait for a worker", "wait", start)]
    if timing.connected is not None:
        edges.append(("connect", "connect", start + timing.connected))
    if timing.first_byte is not None:
        edges.append(("first byte", "first", start + timing.first_byte))
    if timing.complete is not None:
        edges.append(("body", "body", start + timing.complete))
    edges.append(("settle" if timing.complete is not None else "request", "planned", end))
    begins_at = min(run.decision.due_at, start)
    whole = max(end - begins_at, timedelta(microseconds=1))
    parts, last = [], begins_at
    for name, css, at in edges:
        until = min(max(at, last), end)
        parts.append(
            Part(
                name=name,
                css=css,
                x=round((last - begins_at) / whole * 100, 2),
                width=round((until - last) / whole * 100, 2),
                took=length(until - last),
            )
        )
        last = until
    return parts


def _attempt(each: Run, run: Run, zones: Zones, zone: str | None) -> Attempt:
    outcome = outcome_of_run(each.status, each.failure_kind)
    return Attempt(
        id=str(each.id),
        number=each.attempt,
        outcome=outcome,
        word=_word(each, outcome),
        started=zones.moment(each.started_at or each.claimed_at, zone),
        took=_took(each),
        message=each.message,
        current=each.id == run.id,
    )


def _causes(found: RunAmongOthers, zones: Zones, zone: str | None) -> Sequence[Cause]:
    """Name the hints that lived then, and what a person or a sibling asked for."""
    decision = found.run.decision
    asked = [
        Cause(
            text="Run by hand" if line.rule is Rule.MANUAL else "Triggered by a sibling",
            reason=line.detail or None,
        )
        for line in decision.trail
        if line.rule in _ASKING
    ]
    if decision.source is Source.RETRY:
        asked.append(Cause(text="A repeat of the attempt before", reason=None))
    return [*asked, *(_of_hint(each, found, zones, zone) for each in found.hints)]


def _of_hint(record: HintRecord, found: RunAmongOthers, zones: Zones, zone: str | None) -> Cause:
    hint, run = record.hint, found.run
    who = author_words(hint.author)
    match hint:
        case IntervalHint(every=every):
            until = zones.moment(record.ended_at or hint.expires_at, zone).clock
            text = f"Hint of {who}: every {interval(every)}, until {until}"
        case OneShotHint(at=at):
            served = ", served by this run" if record.run_id == run.id else ""
            text = f"Hint of {who}: once at {zones.moment(at, zone).clock}{served}"
    made_by, made_at = _maker(hint, run, found.endpoint)
    return Cause(
        text=text,
        reason=hint.reason,
        href=f"/endpoints/{run.endpoint_id}#hint-{hint.id}",
        made_by=made_by,
        made_at=made_at,
    )


def _maker(hint: Hint, run: Run, endpoint: Endpoint | None) -> tuple[str, str]:
    """Name what made a hint, and where that is shown; nothing, of what a person gave."""
    path = f"/endpoints/{run.endpoint_id}"
    match hint.author:
        case Author.AI:
            return (
                "its session",
                f"{path}/sessions?{urlencode({'at': iso_milliseconds(hint.created_at)})}",
            )
        case Author.RESPONSE:  # it has the id of the run whose answer asked for it
            return "the run that was answered so", f"/runs/{hint.id}"
        case Author.RULE:
            place = None if endpoint is None else _rule_of(hint, endpoint)
            name = "its rule" if place is not None else "the rules"
            return name, f"{path}/rules" if place is None else f"{path}/rules#rule-{place}"
        case Author.API:
            return "", ""


def _rule_of(hint: Hint, endpoint: Endpoint) -> int | None:
    """Find the rule that gives such a hint and such a reason, by its place; None: edited away."""
    wanted = Every if isinstance(hint, IntervalHint) else RunIn
    for place, rule in enumerate(endpoint.rules.rules, 1):
        acts = any(isinstance(action, wanted) for action in rule.then)
        if acts and why_of_rule(rule) == hint.reason:
            return place
    return None


def _answer(run: Run) -> Answer | None:
    if run.response is None:
        return None
    body = run.response.body
    return Answer(
        status=run.response.status_code,
        headers=shown_response_headers(run.response.headers),
        kind=body.kind.value,
        size=bytes_of(len(body.text.encode(errors="replace"))),
        truncated=body.truncated,
        tree=tree_of(body.text) if body.kind is BodyKind.JSON else None,
        text=body.text,
    )

"""What the page of a run shows, in the words in which it shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.model.decision import Rule, Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import IntervalHint, OneShotHint
from cronicorn_domain.model.run import BodyKind, Run, RunStatus
from cronicorn_domain.policies.explaining import reason_of
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
    """What led to the run besides the schedule."""

    text: str
    reason: str | None
    href: str | None


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
    claimed: Moment
    started: Moment | None
    ended: Moment | None
    took: str
    late: str
    is_late: bool
    source: str
    worker: str
    message: str | None
    why: Why
    why_instants: Mapping[int, Moment]
    since: Moment | None
    parts: Sequence[Part]
    attempts: Sequence[Attempt]
    causes: Sequence[Cause]
    method: str | None
    url: str | None
    curl: str | None
    request_headers: Sequence[tuple[str, str]]
    request_body: str | None
    edited_since: bool
    answer: Answer | None
    before: str | None
    behind: str | None
    running: bool


def run_view(found: RunAmongOthers, zones: Zones) -> RunView:
    """Say what the page of a run shows."""
    run, situation = found.run, found.situation
    endpoint = None if situation is None else situation.endpoint
    zone = None if endpoint is None else zone_of(endpoint)
    before = found.around.before
    unchanged = endpoint is not None and endpoint.updated_at <= run.claimed_at
    since = before.slot if before is not None else None
    why = why_of(run.decision, since=since, endpoint=endpoint if unchanged else None)
    outcome = outcome_of_run(run.status, run.failure_kind)
    lateness = lateness_of(run)
    return RunView(
        id=str(run.id),
        endpoint_id=str(run.endpoint_id),
        endpoint_name=str(run.endpoint_id) if endpoint is None else endpoint.name,
        outcome=outcome,
        word=_word(run, outcome),
        sentence=_sentence(run, endpoint),
        slot=zones.moment(run.slot, zone),
        due=zones.moment(run.decision.due_at, zone),
        claimed=zones.moment(run.claimed_at, zone),
        started=zones.moment_if_any(run.started_at, zone),
        ended=zones.moment_if_any(run.finished_at, zone),
        took=_took(run),
        late=length(lateness),
        is_late=lateness is not None and lateness >= LATE_FROM,
        source=source_words(run.decision.source),
        worker=run.worker,
        message=run.message,
        why=why,
        why_instants=moments_of(why, zones, zone),
        since=zones.moment_if_any(since, zone),
        parts=_parts(run),
        attempts=[_attempt(each, run, zones, zone) for each in found.around.attempts],
        causes=_causes(run, found.hints, zones, zone),
        method=None if endpoint is None else endpoint.request.method.value,
        url=None if endpoint is None else endpoint.request.url,
        curl=None if endpoint is None else curl_of(endpoint),
        request_headers=() if endpoint is None else shown_headers(endpoint.request.headers),
        request_body=None if endpoint is None else endpoint.request.body,
        edited_since=not unchanged,
        answer=_answer(run),
        before=None if before is None else f"/runs/{before.id}",
        behind=None if found.around.behind is None else f"/runs/{found.around.behind.id}",
        running=run.status is RunStatus.RUNNING,
    )


def _word(run: Run, outcome: Outcome) -> str:
    if run.status is RunStatus.FAILED and run.response is not None:
        return f"{outcome.word}, HTTP {run.response.status_code}"
    if run.failure_kind is not None:
        return f"{outcome.word}, {run.failure_kind.value.replace('_', ' ')}"
    return outcome.word


def _sentence(run: Run, endpoint: Endpoint | None) -> str:
    if endpoint is None:
        return f"Planned by: {source_words(run.decision.source)}."
    why = reason_of(run.decision, endpoint)
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


def _causes(
    run: Run, hints: Sequence[HintRecord], zones: Zones, zone: str | None
) -> Sequence[Cause]:
    """Name the hints that lived then, and what a person or a sibling asked for."""
    asked = [
        Cause(
            text="Run by hand" if line.rule is Rule.MANUAL else "Triggered by a sibling",
            reason=line.detail or None,
            href=None,
        )
        for line in run.decision.trail
        if line.rule in _ASKING
    ]
    if run.decision.source is Source.RETRY:
        asked.append(Cause(text="A repeat of the attempt before", reason=None, href=None))
    return [*asked, *(_of_hint(each, run, zones, zone) for each in hints)]


def _of_hint(record: HintRecord, run: Run, zones: Zones, zone: str | None) -> Cause:
    hint = record.hint
    who = author_words(hint.author)
    match hint:
        case IntervalHint(every=every):
            until = zones.moment(record.ended_at or hint.expires_at, zone).clock
            text = f"Hint of {who}: every {interval(every)}, until {until}"
        case OneShotHint(at=at):
            served = ", served by this run" if record.run_id == run.id else ""
            text = f"Hint of {who}: once at {zones.moment(at, zone).clock}{served}"
    href = f"/endpoints/{run.endpoint_id}#hint-{hint.id}"
    return Cause(text=text, reason=hint.reason, href=href)


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

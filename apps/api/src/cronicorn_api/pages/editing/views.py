"""The form of an endpoint, what it would do, and what its request is answered."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cronicorn_domain.model.decision import Decision, Rule, Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.run import Run
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.describing import schedule_in_words
from cronicorn_domain.schedules.zones import zone
from cronicorn_management.endpoints.drafting import Draft
from cronicorn_management.masking import shown_response_headers

from cronicorn_api.pages.editing.typed import FIELDS, SWITCHES, Typed
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import Outcome, outcome_of_run
from cronicorn_api.pages.frame.shapes import interval, length
from cronicorn_api.pages.frame.told import NO_FAULTS, Faults

_BAND: Final = (timedelta(seconds=1), timedelta(days=7))
_BAND_WIDTH: Final = 400
_BODY_SHOWN: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """
    One of the next fire times.

    Attributes:
        here: In the endpoint's zone, with its offset.
        local: On the clock of who looks, and in UTC.
        moved_from: The time a guardrail moved it from; empty: it was not.
        change: What the clock does on that day; empty: nothing.
    """

    here: str
    others: str
    at: Moment
    moved_from: str
    why: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The guardrails as a band on a scale of lengths, and the schedule's own gap in it."""

    left: int
    width: int
    gap: int | None
    inside: bool
    words: str
    shortest: str
    longest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the typed schedule would do; ``problem``: why nothing can be said yet."""

    words: str = ""
    zone: str = ""
    fires: Sequence[Fire] = ()
    changes: Sequence[str] = ()
    band: Band | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request by way of trial was answered."""

    outcome: Outcome
    words: str
    took: str
    headers: Sequence[tuple[str, str]]
    body: str
    truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that was changed on both sides, or by the other: both versions."""

    name: str
    label: str
    yours: str
    theirs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditView:
    """The page of a form."""

    title: str
    job: Job | None
    endpoint: Endpoint | None
    action: str
    back: str
    typed: Typed
    preview: Preview
    faults: Faults = NO_FAULTS
    answer: Answer | None = None
    differences: Sequence[Difference] = ()


def preview_view(draft: Draft, zones: Zones) -> Preview:
    """Tell what a draft would do."""
    endpoint = draft.endpoint
    schedule = endpoint.schedule
    here = schedule.timezone if isinstance(schedule, CronSchedule) else zones.shown()
    notes = {_day(each.at, here): each.sentence for each in draft.changes}
    return Preview(
        words=schedule_in_words(schedule),
        zone=here,
        fires=[_fire(each, here, notes, zones) for each in draft.fires],
        changes=[each.sentence for each in draft.changes],
        band=band_of(endpoint, draft.fires),
    )


def band_of(endpoint: Endpoint, fires: Sequence[Decision]) -> Band | None:
    """Draw the guardrails; None: there is no rhythm to guard."""
    if endpoint.rhythm is None:
        return None
    shortest, longest = endpoint.guardrails.shortest, endpoint.guardrails.longest
    slots = sorted({each.slot for each in fires})
    gaps = [after - before for before, after in pairwise(slots)]
    gap = min(gaps) if gaps else None
    left = 0 if shortest is None else _place(shortest)
    right = _BAND_WIDTH if longest is None else _place(longest)
    inside = gap is None or (
        (shortest is None or gap >= shortest) and (longest is None or gap <= longest)
    )
    told = "No guardrails: whatever is proposed holds"
    if shortest or longest:
        least = interval(shortest) if shortest else "nothing"
        most = interval(longest) if longest else "nothing"
        told = f"Never below {least}, never above {most}"
    rhythm = "" if gap is None else f"; it would fire every {interval(gap)} at the closest"
    return Band(
        left=left,
        width=max(4, right - left),
        gap=None if gap is None else _place(gap),
        inside=inside,
        words=told + rhythm,
        shortest=interval(shortest) if shortest else "",
        longest=interval(longest) if longest else "",
    )


def answer_view(run: Run) -> Answer:
    """Tell what a trial came to."""
    response = run.response
    body = "" if response is None else response.body.text
    status = "" if response is None else f"HTTP {response.status_code}"
    took = run.timing.complete
    return Answer(
        outcome=outcome_of_run(run.status, run.failure_kind),
        words=status or run.message or run.status.value,
        took="" if took is None else length(took),
        headers=() if response is None else shown_response_headers(response.headers),
        body=body[:_BODY_SHOWN],
        truncated=len(body) > _BODY_SHOWN or (response is not None and response.body.truncated),
    )


def differences(yours: Typed, theirs: Typed) -> Sequence[Difference]:
    """Compare two versions field by field, as they are typed."""
    found = [
        Difference(name=name, label=label, yours=yours.get(name), theirs=theirs.get(name))
        for name, label in FIELDS.items()
        if name in theirs.values and yours.get(name).strip() != theirs.get(name).strip()
    ]
    own, others = _headers(yours), _headers(theirs)
    if own != others:
        found.append(Difference(name="headers", label="Headers", yours=own, theirs=others))
    found += [
        Difference(
            name=name,
            label=label,
            yours="yes" if name in yours.switches else "",
            theirs="yes" if name in theirs.switches else "",
        )
        for name, label in SWITCHES.items()
        if (name in yours.switches) != (name in theirs.switches)
    ]
    return found


def _headers(typed: Typed) -> str:
    return "\n".join(f"{each.name}: {each.value}" for each in typed.headers if each.name)


def _fire(each: Decision, here: str, notes: dict[str, str], zones: Zones) -> Fire:
    local = each.due_at.astimezone(zone(here))
    told = " ".join(f"{line.why} {line.text}." for line in zones.moment(each.due_at, here).zones)
    moved = ""
    if each.source in {Source.CLAMPED_MIN, Source.CLAMPED_MAX}:
        proposed = next((line.instant for line in each.trail if line.rule is Rule.BASELINE), None)
        moved = "" if proposed is None else _wall(proposed.astimezone(zone(here)))
    why = {
        Source.CLAMPED_MIN: "held back by the shortest interval",
        Source.CLAMPED_MAX: "pulled in by the longest interval",
    }.get(each.source, "")
    return Fire(
        here=_wall(local),
        others=told,
        at=zones.moment(each.due_at, here),
        moved_from=moved,
        why=why,
        change=notes.get(_day(each.due_at, here), ""),
    )


def _wall(local: datetime) -> str:
    offset = local.strftime("%z")
    return f"{local:%a %Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def _day(at: datetime, here: str) -> str:
    return at.astimezone(zone(here)).date().isoformat()


def _place(of: timedelta) -> int:
    """Give the place of a length on a logarithmic scale from a second to a week."""
    least, most = _BAND
    share = math.log(max(of, least) / least) / math.log(most / least)
    return round(min(share, 1.0) * _BAND_WIDTH)

"""Read an endpoint's timeline: what it did in a window, what acted on it, and what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.previewing import preview
from cronicorn_domain.ports.chronicle import Answered, Episode, Limits, Stretch
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.ports.run_log import Health
from cronicorn_domain.wording import length_in_words

from cronicorn_management.dashboard.windows import LONGEST
from cronicorn_management.desk import Reading
from cronicorn_management.history.health import WINDOWS
from cronicorn_management.history.pauses import PauseSpan, pause_spans

PRESETS: Final = (
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
    timedelta(days=7),
    timedelta(days=30),
)
"""The windows that are offered, the shortest first."""
WHILE_YOUNG: Final = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30))
"""What holds all of an endpoint that is new is shown at first, where twenty slots fit into it."""
SHORTEST: Final = timedelta(minutes=1)
SLOTS_LEAST: Final = 20
"""So many slots fit into the window that an endpoint is shown in at first."""
MARKS_MOST: Final = 400
RECORDS_MOST: Final = 1000
HINTS_MOST: Final = 200
DEEDS_MOST: Final = 1000
NEXT: Final = 10
ANSWERS_MOST: Final = 400
ANSWER_SIZE_MOST: Final = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """
    How an endpoint stands.

    Attributes:
        situation: Everything that decides when it fires.
        now: The instant at which all of this was read.
        healths: What came of the runs of the usual windows, up to now.
        upcoming: What comes next, if every run succeeds.
    """

    situation: Situation
    now: datetime
    healths: Mapping[timedelta, Health]
    upcoming: Sequence[Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline(Outlook):
    """
    An endpoint in a window, and how it stands.

    Attributes:
        job_name: What its job is called.
        since: Where the window begins.
        until: Where it ends.
        stretches: What statistics count of the window, runs that were pruned among it.
        runs: The runs of the window, the newest first; None: there are too many to tell each.
        slot_records: What was not run, the newest first.
        hints: What acted on the rhythm, the newest first.
        pauses: When it had been paused, the earliest first, those that reach into the window.
        answers: What was answered, the earliest first, where that was asked for.
        nearest: The newest slot before the window, where the window has none.
    """

    job_name: str
    since: datetime
    until: datetime
    stretches: Sequence[Stretch]
    runs: Sequence[Run] | None
    slot_records: Sequence[SlotRecord]
    hints: Sequence[HintRecord]
    pauses: Sequence[PauseSpan]
    answers: Sequence[Answered]
    nearest: datetime | None


async def read_outlook(work: Reading, endpoint_id: EndpointId) -> Outlook:
    """Return how an endpoint stands. Raises ``NotFound``."""
    situation = await work.catalog.get_situation(work.tenant, endpoint_id)
    healths = await work.chronicle.healths(
        work.tenant, endpoint_id, since=_windows_from(work.now), now=work.now
    )
    return Outlook(
        situation=situation,
        now=work.now,
        healths=dict(zip(WINDOWS, healths, strict=True)),
        upcoming=preview(situation, count=NEXT, now=work.now),
    )


async def read_timeline(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    marks_most: int = MARKS_MOST,
    answers: bool = False,
) -> Timeline:
    """
    Return an endpoint in the window from ``since`` to ``until``.

    Without an end it ends now, without a start it has the usual length (see ``usual_length``). With
    more than ``marks_most`` runs none is told by itself, since statistics tell all of them.

    Raises ``InvalidInput``, ``NotFound``.
    """
    situation = await work.catalog.get_situation(work.tenant, endpoint_id)
    until = work.now if until is None else until
    since = until - usual_length(situation, work.now) if since is None else since
    _check_window(since, until)
    episode = await work.chronicle.episode(
        work.tenant,
        endpoint_id,
        since=since,
        until=until,
        now=work.now,
        healths_since=_windows_from(work.now),
        limits=Limits(runs=marks_most + 1, slot_records=RECORDS_MOST, hints=HINTS_MOST),
    )
    runs = _told_one_by_one(episode, marks_most)
    return Timeline(
        situation=situation,
        now=work.now,
        job_name=episode.job_name or "",
        since=since,
        until=until,
        stretches=episode.stretches,
        runs=runs,
        slot_records=episode.slot_records,
        hints=episode.hints,
        pauses=await _pauses(work, situation, since, until),
        healths=dict(zip(WINDOWS, episode.healths, strict=True)),
        answers=await _answers(work, endpoint_id, since, until, runs) if answers else (),
        upcoming=preview(situation, count=NEXT, now=work.now),
        nearest=_nearest(situation, since),
    )


def usual_length(situation: Situation, now: datetime) -> timedelta:
    """Return the shortest of the offered windows, or of a new endpoint, that holds twenty slots."""
    rhythm = situation.endpoint.rhythm
    if rhythm is None:
        return PRESETS[2]
    last = now
    for _ in range(SLOTS_LEAST):
        following = rhythm.next_after(last)
        if following is None:
            break
        last = following
    young = [each for each in WHILE_YOUNG if each >= now - situation.endpoint.created_at]
    return next((each for each in (*young, *PRESETS) if each >= last - now), PRESETS[-1])


def _windows_from(now: datetime) -> Sequence[datetime]:
    return [now - window for window in WINDOWS]


def _told_one_by_one(episode: Episode, most: int) -> Sequence[Run] | None:
    """Statistics count runs that were pruned, too: with those there may be more than is told."""
    counted = sum(each.tally.runs for each in episode.stretches)
    return episode.runs if max(counted, len(episode.runs)) <= most else None


async def _pauses(
    work: Reading, situation: Situation, since: datetime, until: datetime
) -> Sequence[PauseSpan]:
    deeds = await work.audit.list_entries(
        work.tenant, limit=DEEDS_MOST, since=since - LONGEST, subject=situation.endpoint.id
    )
    spans = pause_spans(situation, deeds)
    return [each for each in spans if each.until > since and each.since <= until]


async def _answers(
    work: Reading,
    endpoint_id: EndpointId,
    since: datetime,
    until: datetime,
    runs: Sequence[Run] | None,
) -> Sequence[Answered]:
    """Read what each run was answered, or, where there are too many, one of each stretch."""
    if runs is None:
        step = (until - since) / ANSWERS_MOST
        edges = [since + number * step for number in range(ANSWERS_MOST)]
    else:
        edges = sorted({run.slot for run in runs})
    return await work.chronicle.answers(
        work.tenant, endpoint_id, edges=edges, until=until, size_most=ANSWER_SIZE_MOST
    )


def _nearest(situation: Situation, since: datetime) -> datetime | None:
    latest = situation.state.latest_slot or situation.state.last_slot
    return latest if latest is not None and latest < since else None


def _check_window(since: datetime, until: datetime) -> None:
    if until - since < SHORTEST:
        raise InvalidInput(
            "the window ends before it begins, or is shorter than a minute",
            field="from",
            remedy="give an earlier start",
        )
    if until - since > LONGEST:
        raise InvalidInput(
            f"a window of {length_in_words(until - since)} is too long",
            field="from",
            remedy=f"give at most {length_in_words(LONGEST)}",
        )

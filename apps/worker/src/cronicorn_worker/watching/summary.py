"""What a worker did, in the end: as lines for people, and as fields for a log."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from cronicorn_domain.model.outcome_kind import OutcomeKind
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.wording import length_in_words

from cronicorn_worker.lengths import format_length
from cronicorn_worker.watching.lateness import Lateness
from cronicorn_worker.watching.log_lines import Fields, milliseconds
from cronicorn_worker.watching.planners import BY_SCHEDULE, by_planner, planners_in_words
from cronicorn_worker.watching.slots_not_run import SlotsNotRun
from cronicorn_worker.watching.tally import Tally

_LABEL = 13
_REASONS_MOST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """
    The numbers of a worker's life. ``not_run`` is None when the store could not be asked.

    A run is one attempt; a slot that was retried has several.
    """

    worked_for: timedelta
    tally: Tally
    not_run: SlotsNotRun | None

    def text(self) -> str:
        """Write it for people; lengths are in milliseconds."""
        rows = [
            ("worked for", format_length(_tenths(self.worked_for))),
            ("runs", _runs(self.tally)),
            *_planned(self.tally),
            ("lateness", _lateness(self.tally.lateness)),
            *_made_up_for(self.tally.made_up_for),
            ("not run", _not_run(self.not_run)),
            ("quarantined", _quarantined(self.tally)),
            *_troubles(self.tally),
        ]
        lines = (f"  {label:<{_LABEL}}{value}" for label, value in rows)
        return "\n".join(["Summary", *lines])

    def fields(self) -> Fields:
        """Write it for a log."""
        lateness = self.tally.lateness
        return {
            "worked_for_ms": milliseconds(self.worked_for),
            "runs": self.tally.settled,
            "planned_by": dict(by_planner(self.tally.planned_by)),
            "outcomes": {kind.value: count for kind, count in _sorted_outcomes(self.tally)},
            "late_p50_ms": _optional_milliseconds(lateness.percentile(0.50)),
            "late_p99_ms": _optional_milliseconds(lateness.percentile(0.99)),
            "late_mean_ms": _optional_milliseconds(lateness.mean),
            "late_most_ms": milliseconds(lateness.most),
            "early": lateness.early,
            "made_up_for": self.tally.made_up_for.count,
            "made_up_for_late_most_ms": milliseconds(self.tally.made_up_for.most),
            "not_run": self.not_run and _not_run_fields(self.not_run),
            "quarantined": len(self.tally.quarantined),
            "released": self.tally.released,
            "lost": self.tally.lost,
            "abandoned": self.tally.abandoned,
            "reaped": self.tally.reaped,
            "died": self.tally.died,
        }


def _runs(tally: Tally) -> str:
    if not tally.settled:
        return "0"
    outcomes = ", ".join(f"{count} {kind.value}" for kind, count in _sorted_outcomes(tally))
    return f"{tally.settled}: {outcomes}"


def _planned(tally: Tally) -> Iterator[tuple[str, str]]:
    """Tell who planned the runs, where anything but schedules has."""
    if set(by_planner(tally.planned_by)) - {BY_SCHEDULE}:
        yield "planned", planners_in_words(tally.planned_by)


def _sorted_outcomes(tally: Tally) -> list[tuple[OutcomeKind, int]]:
    return [(kind, tally.outcomes[kind]) for kind in OutcomeKind if tally.outcomes[kind]]


def _lateness(lateness: Lateness) -> str:
    if not lateness.count:
        return "no run has started in time"
    values = {
        "p50": lateness.percentile(0.50),
        "p99": lateness.percentile(0.99),
        "mean": lateness.mean,
        "most": lateness.most,
    }
    told = [
        f"{name} {milliseconds(value)} ms" for name, value in values.items() if value is not None
    ]
    return ", ".join(told) + (f"; {lateness.early} too early" if lateness.early else "")


def _made_up_for(missed: Lateness) -> Iterator[tuple[str, str]]:
    """Tell of slots whose time had long passed; their delay is that of an outage or a pause."""
    if missed.count:
        yield (
            "made up for",
            f"{missed.count} missed slots, at most {length_in_words(missed.most)} late",
        )


def _not_run(not_run: SlotsNotRun | None) -> str:
    if not_run is None:
        return "unknown: the database could not be asked"
    if not not_run.counts:
        return "no slot was left out"
    told = [_fate(fate, reasons) for fate, reasons in _by_fate(not_run).items()]
    return ", ".join(told) + (" (of those looked at)" if not_run.partial else "")


def _by_fate(not_run: SlotsNotRun) -> dict[Fate, Counter[str]]:
    by_fate: dict[Fate, Counter[str]] = {}
    for (fate, reason), count in not_run.counts.items():
        by_fate.setdefault(fate, Counter())[reason] += count
    return dict(sorted(by_fate.items()))


def _fate(fate: Fate, reasons: Counter[str]) -> str:
    told = "; ".join(reason for reason, _ in reasons.most_common(_REASONS_MOST))
    more = "; …" if len(reasons) > _REASONS_MOST else ""
    return f"{reasons.total()} {fate.value} ({told}{more})"


def _not_run_fields(not_run: SlotsNotRun) -> Fields:
    return {fate.value: dict(reasons) for fate, reasons in _by_fate(not_run).items()}


def _quarantined(tally: Tally) -> str:
    reasons = [f"{endpoint_id}: {reason}" for endpoint_id, reason in tally.quarantined.items()]
    return "; ".join([str(len(reasons)), *reasons[:3]]) if reasons else "none"


def _troubles(tally: Tally) -> Iterator[tuple[str, str]]:
    if tally.released:
        yield "given back", f"{tally.released} claimed runs, unsent"
    if tally.lost:
        left = f", {tally.abandoned} of them abandoned by this worker" if tally.abandoned else ""
        yield "lost", f"{tally.lost} runs{left}; their slots are repeated, or recorded"
    if tally.reaped:
        yield "taken over", f"{tally.reaped} runs of workers that are gone"
    if tally.died:
        yield "died", f"{tally.died} processes; what they did is not in these numbers"


def _tenths(length: timedelta) -> timedelta:
    return timedelta(milliseconds=length // timedelta(milliseconds=100) * 100)


def _optional_milliseconds(length: timedelta | None) -> float | None:
    return None if length is None else milliseconds(length)

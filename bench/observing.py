"""Has one system do the work of one trial, and measures."""

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench.calls import judge
from bench.measurement import Measurement
from bench.postgres import Server
from bench.processes import GaveUp
from bench.snapshots import Gauge, Span
from bench.statistics import OldTransaction, open_transaction
from bench.systems.system import Place, System, next_second
from bench.target_process import open_target
from bench.trials import Size, Trial

_LATE_CALLS = 1.5


def observe(
    system: System, trial: Trial, size: Size, *, server: Server, round_number: int
) -> Measurement:
    """Measure; a system that fails gives a measurement that says why, and the others go on."""
    blank = Measurement(
        scenario=trial.scenario,
        label=trial.label,
        system=system.name,
        round=round_number,
        endpoints=trial.shape.endpoints,
        parked=trial.shape.parked,
    )
    try:
        return _observe(system, trial, size, server, blank)
    except GaveUp as error:
        return replace(blank, failed=str(error))
    except Exception as error:  # noqa: BLE001  whatever it is, hours of measuring must not be lost
        return replace(blank, failed=f"{type(error).__name__}: {str(error)[:200]}")


def _observe(
    system: System, trial: Trial, size: Size, server: Server, blank: Measurement
) -> Measurement:
    with tempfile.TemporaryDirectory(prefix="cronicorn-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        target = stack.enter_context(open_target(folder))
        place = Place(target=target.url, server=server, folder=folder)
        running = stack.enter_context(system.running(trial.shape, place))
        stored = replace(blank, stored_in=running.stored_in)
        if trial.stores_only:
            return stored
        old = None
        if trial.hold and running.database:
            old = stack.enter_context(open_transaction(running.database))
        gauge = Gauge(running=running, server=server, target=target)
        window = _window(running.work.begins_at, trial, size)
        observed = _watch(gauge, window)
        return _told(stored, observed, old.look() if old else None, gauge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When is measured, in milliseconds."""

    since: int
    until: int


def _window(begins_at: int, trial: Trial, size: Size) -> Window:
    begun = next_second(max(time.time() * 1000, begins_at))
    since = begun + round(1000 * (size.warm_up + trial.hold))
    return Window(since=since, until=since + round(1000 * (trial.window or size.window)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The counters over a window, and the window."""

    span: Span
    window: Window


def _watch(gauge: Gauge, window: Window) -> Observed:
    _sleep_until(window.since)
    before = gauge.read()
    _sleep_until(window.until)
    after = gauge.read()
    gauge.running.check()
    return Observed(span=Span(before=before, after=after), window=window)


def _told(
    stored: Measurement, observed: Observed, old: OldTransaction | None, gauge: Gauge
) -> Measurement:
    span, work, memory = observed.span, gauge.running.work, gauge.memory()
    time.sleep(_LATE_CALLS)
    notes = gauge.target.calls()
    judged = judge(notes, work, since=observed.window.since, until=observed.window.until)
    return replace(
        stored,
        rate=work.rate,
        seconds=round(span.seconds, 3),
        fires=round((span.fired if gauge.running.fired else judged.fired) / span.seconds, 1),
        expected=judged.expected,
        missed=judged.missed,
        doubled=judged.doubled,
        early=judged.early,
        lateness=judged.lateness,
        cpu=span.cpu,
        memory=memory,
        queries=span.queries,
        claiming=span.claiming,
        transaction_age=old.age if old else None,
        dead_rows=old.dead_rows if old else None,
        others=span.noise.others,
        steal=span.noise.steal,
    )


def _sleep_until(milliseconds: int) -> None:
    time.sleep(max(0.0, milliseconds / 1000 - time.time()))

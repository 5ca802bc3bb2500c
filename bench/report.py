"""Writes `docs/benchmarks.md` and its plots from the results of a run."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.chapters import CHAPTERS
from bench.figures import Read, figure, late
from bench.machine import QUIET_OTHERS
from bench.measurement import Measurement
from bench.plots import Bar, bars, lines
from bench.processes import ROOT
from bench.reach import reach
from bench.results import Results
from bench.systems.all_systems import DURABLE, IN_MEMORY, SYSTEMS
from bench.tables import TABLES, best_trial, by_system, table

DOCUMENT: Final = ROOT / "docs" / "benchmarks.md"
READS: Final = "reads.md"
"""Beside the plots: what the API reads, and how quickly; `uv run bench reads` writes it."""
READS_HEADING: Final = "## What the API reads"
PAGES: Final = "pages.md"
"""Beside the plots: what the dashboard takes; `uv run bench pages --tell` writes it."""
PAGES_HEADING: Final = "## What the dashboard takes"
SINCE: Final = "since.md"
"""Beside the plots: what was measured for one change each; it is written by hand, and stays."""
_BESIDE: Final[Mapping[str, str]] = {
    READS: READS_HEADING,
    PAGES: PAGES_HEADING,
    SINCE: "## What single changes brought",
}
_TITLES: Final = {system.name: system.title for system in SYSTEMS}


def write(results: Results, document: Path = DOCUMENT) -> list[Path]:
    """Write the document and, in a folder beside it, its plots; return what was written."""
    plots = document.with_suffix("")
    plots.mkdir(parents=True, exist_ok=True)
    written = [document]
    for name, drawing in _drawings(results.measurements):
        file = plots / f"{name}.svg"
        file.write_text(drawing, "utf-8")
        written.append(file)
    shown = {file.stem for file in written[1:]}
    beside = {name: _beside(plots / name) for name in (READS, PAGES, SINCE)}
    sections = _sections(results, shown, plots.name, beside=beside)
    document.write_text("\n\n".join(sections) + "\n", "utf-8")
    return written


def _beside(file: Path) -> str:
    return file.read_text("utf-8").strip() if file.exists() else ""


def _sections(
    results: Results, plots: set[str], folder: str, *, beside: Mapping[str, str]
) -> Iterator[str]:
    yield "# Benchmarks"
    yield (
        f"Measured on {results.began[:10]} by `{results.command}`; this page and its plots are"
        " written by `uv run bench report`. All systems do the same work on the same machine:"
        " they call one local HTTP server, which notes when each call comes and for which slot."
        f" {_rounds(results.measurements)}"
    )
    yield from _where(results)
    yield from reach(results.measurements)
    for scenario, chapter in CHAPTERS.items():
        own = [each for each in results.measurements if each.scenario == scenario]
        if not own:
            continue
        yield f"## {chapter.heading}\n\n{chapter.telling}"
        if scenario in plots:
            yield f"![{chapter.heading}]({folder}/{scenario}.svg)"
        yield TABLES[scenario](own)
        if scenario == "throughput":
            yield _ratio(own)
        yield from _absent(scenario, own)
    for name, heading in _BESIDE.items():
        if beside[name]:
            yield f"{heading}\n\n{beside[name]}"
    if results.cost:
        yield f"## The cost of one fire, by part\n\nOne worker on PostgreSQL. {results.cost}"
    yield _systems(results)
    yield _how()


def _rounds(measurements: Sequence[Measurement]) -> str:
    if max((each.round for each in measurements), default=1) == 1:
        return "Everything was measured once, so that a figure says nothing of how much it varies."
    return "Rounds are interleaved; a figure is the median, in brackets the least and the most."


def _where(results: Results) -> Iterator[str]:
    machine = "; ".join(results.machine.values())
    quiet = results.quiet
    yield f"**Machine.** {machine}. Worker, database, target and benchmark share it."
    state = (
        f"Before the run others used {quiet.noise.others:g} % of a processor, the hypervisor took"
        f" {quiet.noise.steal:g} %, an fsync of 8 KiB took {quiet.fsync_p50:g} ms"
        f" (p99 {quiet.fsync_p99:g} ms); during measurements others used"
        f" {_most(results, 'others'):g} % at most, and {_most(results, 'steal'):g} % was stolen."
    )
    yield f"{state} {_verdict(results)}"


def _verdict(results: Results) -> str:
    """Say whether it was quiet, before the run and during each trial."""
    faults = list(results.quiet.faults)
    noisy = [each for each in results.measurements if each.others > QUIET_OTHERS]
    if noisy:
        trials = dict.fromkeys(f"{each.scenario} {each.label}" for each in noisy)
        faults.append(
            f"others used more than {QUIET_OTHERS:g} % during {len(noisy)} of"
            f" {len(results.measurements)} measurements ({', '.join(trials)})"
        )
    return "It was quiet." if not faults else f"**Not quiet: {'; '.join(faults)}.**"


def _most(results: Results, field: str) -> float:
    return max((float(getattr(each, field)) for each in results.measurements), default=0.0)


def _ratio(own: Sequence[Measurement]) -> str:
    """Compare this project with the fastest durable peer, and with the fastest of the others."""
    fires = {
        each[0].system: found.median
        for each in by_system(own)
        if (found := figure(best_trial(each), lambda one: one.fires))
    }
    if "cronicorn-pg" not in fires:
        return ""
    told = []
    if best := _fastest(fires, DURABLE):
        ratio = fires["cronicorn-pg"] / fires[best]
        told.append(
            f"One worker on PostgreSQL fires {ratio:.1f} times as much as the fastest durable peer,"
            f" {_TITLES[best]}."
        )
    if best := _fastest(fires, IN_MEMORY):
        ratio = fires[best] / max(fires["cronicorn-pg"], 1)
        told.append(
            f"{_TITLES[best]} fires {ratio:.1f} times as much as one worker on PostgreSQL: it"
            " stores nothing, and a restart loses what it has."
        )
    return " ".join(told)


def _fastest(fires: Mapping[str, float], names: Collection[str]) -> str | None:
    measured = [name for name in names if fires.get(name)]
    return max(measured, key=lambda name: fires[name], default=None)


def _absent(scenario: str, own: Sequence[Measurement]) -> Iterator[str]:
    notes = [
        f"- {system.title} does not take part: {reason}."
        for system in SYSTEMS
        if (reason := system.cannot(scenario))
    ]
    failures = dict.fromkeys(
        f"- {_TITLES[each.system]}, {each.label}, failed: `{each.failed}`"
        for each in own
        if each.failed
    )
    if notes or failures:
        yield "\n".join([*notes, *failures])


def _systems(results: Results) -> str:
    measured = {each.system for each in results.measurements}
    rows = [
        (system.title, f"`{system.name}`", results.versions.get(system.name, ""), system.settings)
        for system in SYSTEMS
        if system.name in measured
    ]
    others = ", ".join(
        f"{name} {version}" for name, version in results.versions.items() if name not in _TITLES
    )
    head = ("system", "name", "version", "settings")
    return f"## Systems\n\n{table(head, rows, texts=4)}\n\n{others}."


def _how() -> str:
    return (
        "## How to repeat\n\n"
        "```console\n"
        "$ uv run bench --quick      # less than half an hour; writes all of this page\n"
        "$ uv run bench --full       # hours: more rates, three rounds\n"
        "$ uv run bench --only lateness --systems cronicorn-pg,pgqueuer --full\n"
        "$ uv run bench report       # this page, from the newest results, or from those named\n"
        "$ uv run bench profile      # the cost of one fire, by part\n"
        "$ uv run bench profile --processes 2   # the same, set beside one process\n"
        "$ uv run bench reads --tell # what the API reads, and how quickly\n"
        "```\n\n"
        "Peers run in environments of their own, made from the versions in `bench/peers`; each"
        " file says which settings were chosen and where they are recommended. PostgreSQL runs with"
        " every commit on disk and the settings in `bench/postgres.py`."
    )


def _drawings(measurements: Sequence[Measurement]) -> Iterator[tuple[str, str]]:
    if own := [each for each in measurements if each.scenario == "throughput"]:
        yield "throughput", bars("Fires a second", list(_bars(own)))
    if own := [each for each in measurements if each.scenario == "lateness"]:
        series = _series(own, lambda each: each.rate, late("p99"))
        yield "lateness", lines("Lateness, p99", "fires a second", "ms", series)
    if own := [each for each in measurements if each.scenario == "stored"]:
        series = _series(own, lambda each: each.parked, lambda each: each.database_per_fire)
        title = "Processor time of the database for one fire"
        yield "stored", lines(title, "endpoints stored besides", "μs", series)


def _bars(own: Sequence[Measurement]) -> Iterator[Bar]:
    for each in by_system(own):
        found = figure(best_trial(each), lambda one: one.fires)
        if found:
            yield Bar(
                label=_TITLES[each[0].system],
                value=found.median,
                least=found.least,
                most=found.most,
            )


def _series(
    own: Sequence[Measurement], across: Read, up: Read
) -> dict[str, list[tuple[float, float]]]:
    series: dict[str, list[tuple[float, float]]] = {}
    for each in by_system(own):
        points = series.setdefault(_TITLES[each[0].system], [])
        for label in dict.fromkeys(one.label for one in each):
            rounds = [one for one in each if one.label == label]
            x, y = figure(rounds, across), figure(rounds, up)
            if x and y:
                points.append((x.median, y.median))
    return {name: points for name, points in series.items() if points}

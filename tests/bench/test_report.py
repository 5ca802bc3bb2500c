"""The report tells what was measured, and what was not."""

from dataclasses import replace
from pathlib import Path

from bench.calls import Lateness
from bench.machine import Noise, Quiet
from bench.measurement import Measurement
from bench.reach import reach
from bench.report import write
from bench.results import Results, merged


def a_measurement(system: str, *, round_number: int = 1, fires: float = 0.0) -> Measurement:
    """Return one of a system that was asked for a hundred fires a second."""
    return Measurement(
        scenario="throughput",
        label="100/s",
        system=system,
        round=round_number,
        endpoints=100,
        parked=0,
        rate=100.0,
        seconds=5.0,
        fires=fires,
        expected=500,
        lateness=Lateness(p50=1.0, p99=2.0, p99_9=3.0, most=4.0),
        cpu={"worker": 10.0, "database": 5.0},
        memory={"worker": 80.0},
    )


def a_run(*measurements: Measurement, others: float = 0.0) -> Results:
    """Return the results of a run, during which others used so much of a processor."""
    return Results(
        size="quick",
        command="uv run bench",
        began="2030-01-01T00:00:00Z",
        machine={"processor": "2 x some"},
        versions={"aiohttp": "3"},
        quiet=Quiet(noise=Noise(others=others, steal=0.0), fsync_p50=0.1, fsync_p99=0.2),
        measurements=measurements,
    )


def the_report(tmp_path: Path, *measurements: Measurement) -> str:
    """Keep results, read them back and return the document that is written of them."""
    a_run(*measurements, others=80.0).write(tmp_path / "results.json")
    written = write(Results.read(tmp_path / "results.json"), tmp_path / "benchmarks.md")
    assert [file.name for file in written] == ["benchmarks.md", "throughput.svg"]
    return written[0].read_text("utf-8")


def test_rounds_are_told_as_median_and_range(tmp_path: Path) -> None:
    """A system's rounds are one row: the median, with the least and the most."""
    rounds = [
        a_measurement("cronicorn-pg", round_number=number, fires=fires)
        for number, fires in ((1, 90.0), (2, 100.0), (3, 98.0))
    ]

    told = the_report(tmp_path, *rounds)

    assert "| Cronicorn on PostgreSQL | 98 (90 to 100) | 100/s | 1.0 | 2.0 |" in told
    assert "a figure is the median" in told


def test_what_was_measured_once_says_so(tmp_path: Path) -> None:
    """Nobody takes a single round for the median of several."""
    told = the_report(tmp_path, a_measurement("cronicorn-pg", fires=100.0))

    assert "Everything was measured once" in told
    assert "a figure is the median" not in told


def test_an_idle_worker_that_asks_too_much_is_told_by_what_it_asks() -> None:
    """Its processor time stands in the way of nothing."""
    idle = replace(
        a_measurement("cronicorn-pg", fires=0.0),
        scenario="idle",
        label="100,000",
        queries=1.6,
        cpu={"worker": 0.5},
    )

    told = "\n".join(reach([idle]))

    assert "beside 100,000 endpoints it sent 1.60 statements a second, and used 0.5 %" in told


def test_claims_are_compared_by_the_median_of_their_rounds() -> None:
    """One slow round of three is not what an endpoint costs."""
    rounds = [
        replace(
            a_measurement("cronicorn-pg", round_number=number, fires=100.0),
            scenario="stored",
            label=f"{parked}",
            parked=parked,
            claiming=claiming,
        )
        for parked, each in ((1000, (20.0, 20.0, 20.0)), (1_000_000, (21.0, 22.0, 90.0)))
        for number, claiming in enumerate(each, 1)
    ]

    told = "\n".join(reach(rounds))

    assert "at most 1.3 | 1.1 | yes" in told


def test_who_falls_behind_has_not_kept_up() -> None:
    """Slots whose calls come all the same, later and later, are not missed for a while."""
    behind = a_measurement("cronicorn-pg", fires=98.0)

    assert not behind.kept_up
    assert replace(behind, fires=99.0).kept_up
    assert not replace(behind, fires=99.0, missed=6).kept_up


def test_claims_under_an_old_transaction_are_compared_with_those_beside_nothing() -> None:
    """What counts is the row with the most stored: both slow a claim, and both at once may."""
    without = replace(
        a_measurement("cronicorn-pg", fires=100.0),
        scenario="old transaction",
        label="none",
        claiming=50.0,
    )
    young = replace(without, label="open", dead_rows=10, claiming=55.0)
    most = replace(young, label="open, 1,000,000 stored", parked=1_000_000, claiming=60.0)

    told = "\n".join(reach([without, young, most]))

    assert "an old open transaction against neither, times | at most 1.3 | 1.2 | yes" in told


def test_what_was_written_by_hand_stays(tmp_path: Path) -> None:
    """What was measured since is told in each page that is made anew."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "since.md").write_text("A settle is twice as quick now.\n", "utf-8")

    told = the_report(tmp_path, a_measurement("cronicorn-pg", fires=100.0))

    assert "## What single changes brought\n\nA settle is twice as quick now.\n\n## " in told


def test_what_the_api_reads_is_told_as_it_was_measured(tmp_path: Path) -> None:
    """It takes a run of its own, and its chapter stays in each page that is made anew."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "reads.md").write_text("A page takes 5 ms.\n", "utf-8")

    told = the_report(tmp_path, a_measurement("cronicorn-pg", fires=100.0))

    assert "## What the API reads\n\nA page takes 5 ms.\n\n## " in told


def test_the_ratio_to_the_fastest_durable_peer_is_told(tmp_path: Path) -> None:
    """A peer that keeps everything in memory is no measure for one that does not."""
    told = the_report(
        tmp_path,
        a_measurement("cronicorn-pg", fires=100.0),
        a_measurement("apscheduler3-memory", fires=80.0),
        a_measurement("pgqueuer", fires=40.0),
    )

    assert "fires 2.5 times as much as the fastest durable peer, PgQueuer." in told
    assert "APScheduler 3 in memory fires 0.8 times as much as one worker on PostgreSQL" in told
    assert "| at least 1 | 2.5 | yes |" in told


def test_what_was_aimed_at_is_told_with_what_stood_in_the_way(tmp_path: Path) -> None:
    """A figure that was missed says so, beside what was busy at the time; others are not blamed."""
    told = the_report(tmp_path, a_measurement("cronicorn-pg", fires=100.0))

    row = "| One worker on PostgreSQL keeps up with | at least 3,000/s | 100/s | **no** |"
    assert row in told
    assert "keeps up with: at 100/s the worker used 10 % of a processor, the database 5 %" in told
    assert "| Idle on PostgreSQL, queries a second | at most 1 | - | not measured |" in told


def test_the_cost_of_a_fire_is_told_by_part(tmp_path: Path) -> None:
    """What the profiler saw is kept with the results, and lands on the page."""
    results = a_run(a_measurement("cronicorn-pg", fires=100.0))
    replace(results, cost="| step | share |").write(tmp_path / "results.json")

    write(Results.read(tmp_path / "results.json"), tmp_path / "benchmarks.md")

    told = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert "## The cost of one fire, by part\n\nOne worker on PostgreSQL. | step | share |" in told


def test_a_noisy_machine_is_told(tmp_path: Path) -> None:
    """Figures of a machine that others used say so."""
    told = the_report(tmp_path, a_measurement("pgqueuer"))

    assert "**Not quiet: others use 80 % of a processor.**" in told


def test_noise_while_it_was_measured_is_told(tmp_path: Path) -> None:
    """A machine that was quiet before the run is not called quiet if it was not during it."""
    noisy = replace(a_measurement("pgqueuer"), others=50.7)
    a_run(noisy, a_measurement("pgqueuer", round_number=2)).write(tmp_path / "results.json")

    write(Results.read(tmp_path / "results.json"), tmp_path / "benchmarks.md")

    told = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert "It was quiet" not in told
    assert "during 1 of 2 measurements (throughput 100/s).**" in told


def test_a_failure_is_told_with_its_reason(tmp_path: Path) -> None:
    """A system that failed has no figures, and the document says what it said."""
    failed = Measurement(
        scenario="throughput",
        label="100/s",
        system="pgqueuer",
        round=1,
        endpoints=100,
        parked=0,
        failed="ended with 1: no room",
    )

    told = the_report(tmp_path, failed)

    assert "| PgQueuer (failed, see below) | - | - |" in told
    assert "PgQueuer, 100/s, failed: `ended with 1: no room`" in told


def test_runs_are_put_together() -> None:
    """Scenarios that were run one after the other make one report, as quiet as the noisiest."""
    quiet = a_run(a_measurement("pgqueuer"))
    noisy = a_run(a_measurement("cronicorn-pg"), others=50.0)

    both = merged([quiet, noisy])

    assert [each.system for each in both.measurements] == ["pgqueuer", "cronicorn-pg"]
    assert both.quiet.faults == ["others use 50 % of a processor"]

"""What the target notes is judged as it should be."""

from array import array

import pytest

from bench.calls import judge
from bench.figures import Figure
from bench.profiling import Recording, compared
from bench.stacks import profile_of, read_stacks
from bench.work import Work

WORK = Work(endpoints=2, step=1000, begins_at=10_000, target="http://127.0.0.1:1")


def notes(*calls: tuple[int, int, int]) -> bytes:
    """Write calls as the target does; endpoint, and slot and arrival in milliseconds."""
    numbers = array("q")
    for endpoint, slot, arrived in calls:
        numbers.extend((endpoint, slot * 1000, arrived * 1000))
    return numbers.tobytes()


def test_slots_are_spread_over_the_step() -> None:
    """Endpoints are due one after the other within a step, and each on its own grid."""
    slots = [WORK.next_slot(endpoint, after=10_200) for endpoint in range(2)]

    assert slots == [11_000, 10_500]


def test_a_burst_has_one_instant() -> None:
    """All endpoints of a burst are due at the beginning of the step."""
    burst = Work(endpoints=2, step=1000, begins_at=10_000, target="", burst=True)

    assert [burst.next_slot(endpoint, after=0) for endpoint in range(2)] == [10_000, 10_000]


def test_what_is_missed_doubled_and_early_is_counted() -> None:
    """Of four slots one is not served, one is served twice, and one before its time."""
    seen = notes((0, 10_000, 10_003), (0, 10_000, 10_004), (1, 10_500, 10_501), (0, 11_000, 10_999))

    judged = judge(seen, WORK, since=10_000, until=12_000)

    assert (judged.expected, judged.fired) == (4, 4)
    assert (judged.missed, judged.doubled, judged.early) == (1, 1, 1)


def test_lateness_is_of_the_windows_slots() -> None:
    """A call for an earlier slot that comes within the window is fired, and not late there."""
    judged = judge(
        notes((0, 9_000, 10_100), (0, 10_000, 10_002), (1, 10_500, 10_504)),
        WORK,
        since=10_000,
        until=11_000,
    )

    assert judged.fired == 3
    assert judged.lateness is not None
    assert (judged.lateness.p50, judged.lateness.p99, judged.lateness.most) == (2.0, 4.0, 4.0)


def test_a_figure_of_several_rounds_tells_its_range() -> None:
    """The least and the most stand behind the median, unless there was one round."""
    assert Figure(median=1500, least=1400, most=1610).text() == "1,500 (1,400 to 1,610)"
    assert Figure(median=2, least=2, most=2).text(1) == "2.0"


@pytest.mark.parametrize(
    ("stack", "step", "library"),
    [
        (
            "run (cronicorn_scheduler/claiming.py:9);claim (cronicorn_adapter_sql/claiming.py:3)",
            "claim",
            "adapter-sql",
        ),
        (
            "dispatch (cronicorn_adapter_http/dispatcher.py:2);_request (aiohttp/client.py:3)",
            "send and read",
            "aiohttp",
        ),
        ("run_until_complete (uvloop/loop.pyx:1)", "event loop", "event loop"),
    ],
)
def test_a_sample_belongs_to_a_step_and_a_library(stack: str, step: str, library: str) -> None:
    """A sample counts for the step that it served and the library that was running."""
    profile = profile_of(read_stacks([f"{stack} 3\n"]))

    assert dict(profile.steps.rows()) == {step: 1.0}
    assert dict(profile.libraries.rows()) == {library: 1.0}
    assert profile.samples == 3


def test_what_several_processes_lose_is_told_by_part() -> None:
    """Each part of a fire stands beside that of a single process, though one may lack it."""
    one = recorded(1, 100.0, "main (a.py:1);sleep (asyncio/events.py:2) 2")
    two = recorded(
        2,
        150.0,
        "main (a.py:1);sleep (asyncio/events.py:2) 2",
        "main (a.py:1);execute (psycopg/cursor.py:3) 1",
    )

    told = compared("library", [one, two], [each.profile.libraries for each in (one, two)])

    assert told.splitlines() == [
        "| library | μs/fire, one process | μs/fire, 2 processes | more |",
        "| --- | ---: | ---: | ---: |",
        "| event loop | 100 | 100 | +0 |",
        "| psycopg | 0 | 50 | +50 |",
        "| together | 100 | 150 | +50 |",
    ]


def recorded(processes: int, cost: float, *stacks: str) -> Recording:
    """Return what was recorded, from py-spy's lines."""
    profile = profile_of(read_stacks(stacks))
    return Recording(processes=processes, profile=profile, cost=cost, rate=1.0)


@pytest.mark.parametrize("frame", ["select (selectors.py:1)", "_PollLike.select (selectors.py:1)"])
def test_a_thread_that_waits_took_no_time(frame: str) -> None:
    """Such as the one that waits for its keeper's end, whichever way py-spy names what it does."""
    assert profile_of(read_stacks([f"watch (keeper.py:1);{frame} 3"])).samples == 0

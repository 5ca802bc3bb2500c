"""What rules cost: an answer judged in the child, and the pace of a worker with and without."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.model.facts import Answer, Facts, Tally
from cronicorn_domain.model.run import Body, BodyKind
from cronicorn_domain.ports.rule_evaluator import Said

from bench.postgres import Server
from bench.rule_work import conditions
from bench.systems.cronicorn import Cronicorn
from bench.systems.system import Place, Shape, next_second
from bench.target_process import open_target

JUDGED_MOST_MS: Final = 6.0
SLOWER_MOST: Final = 0.15
_WARM: Final = 20
_WARM_UP: Final = 3.0
_CALL: Final = 24
"""Bytes of a note of the target's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """
    How long ten rules over a body took, in milliseconds, the pipe to the child included.

    With ``holds`` the last of them held.
    """

    size: int
    holds: bool
    median: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Paces:
    """Fires a second in each round: without rules, with ten, and with ten of which one holds."""

    without: tuple[float, ...]
    ruled: tuple[float, ...]
    holding: tuple[float, ...]

    def slower(self, rounds: tuple[float, ...]) -> float:
        """Return the part of the pace that rules took, by the medians of the rounds."""
        return 1 - statistics.median(rounds) / statistics.median(self.without)


def judged(size: int, *, times: int, holds: bool) -> Judged:
    """Judge ten rules over a JSON body of a size, again and again."""
    return asyncio.run(_judged(size, times, holds))


async def _judged(size: int, times: int, holds: bool) -> Judged:  # noqa: FBT001  as it is told
    expressions, facts = conditions(holds=holds), facts_of(size)
    took: list[float] = []
    async with aclosing(CelRuleEvaluator()) as evaluator:
        for number in range(_WARM + times):
            began = time.perf_counter()
            verdicts = await evaluator.judge(expressions, facts)
            if number >= _WARM:
                took.append(1000 * (time.perf_counter() - began))
            if verdicts != [*[Said(yes=False)] * (len(expressions) - 1), Said(yes=holds)]:
                raise RuntimeError(f"the conditions do not say what they should: {verdicts}")
    took.sort()
    return Judged(
        size=size,
        holds=holds,
        median=statistics.median(took),
        p99=took[min(times - 1, int(times * 0.99))],
    )


def facts_of(size: int) -> Facts:
    """Return what is known of a run whose answer has about so many characters."""
    body = Body(kind=BodyKind.JSON, text=body_of(size))
    answer = Answer(
        succeeded=True,
        status=200,
        body=body,
        headers=(("x-load", "3"),),
        duration=timedelta(milliseconds=40),
    )
    return Facts(now=datetime(2026, 1, 1, tzinfo=UTC), answer=answer, health=Tally(successes=60))


def body_of(size: int) -> str:
    """Return a JSON object of about so many characters: a queue, and its items."""
    item = {"id": 1000, "name": "an item of the queue", "price": 12.5, "tags": ["a", "b"]}
    count = max(1, size // (len(json.dumps(item)) + 2))
    return json.dumps({"queue": {"waiting": 3}, "items": [item] * count})


def paces(server: Server, *, rate: int, seconds: float, rounds: int) -> Paces:
    """Run a worker without rules, with ten, and with one of them holding, in turn, over 1 KiB."""
    shapes = (
        Shape(endpoints=rate),
        Shape(endpoints=rate, rules=10),
        Shape(endpoints=rate, rules=10, holds=True),
    )
    found = [[_pace(server, each, seconds) for each in shapes] for _ in range(rounds)]
    without, ruled, holding = zip(*found, strict=True)
    return Paces(without=without, ruled=ruled, holding=holding)


def _pace(server: Server, shape: Shape, seconds: float) -> float:
    with tempfile.TemporaryDirectory(prefix="cronicorn-bench-") as name:
        folder = Path(name)
        with open_target(folder, body=body_of(1024)) as target:
            place = Place(target=target.url, server=server, folder=folder)
            with Cronicorn(postgres=True).running(shape, place) as running:
                begin = next_second(max(time.time() * 1000, running.work.begins_at))
                time.sleep(begin / 1000 - time.time() + _WARM_UP)
                target.calls()
                began = time.perf_counter()
                time.sleep(seconds)
                fires = len(target.calls()) // _CALL
                lasted = time.perf_counter() - began
                running.check()
    return fires / lasted


def told(answers: list[Judged], pace: Paces) -> Iterator[str]:
    """Tell it, and whether it keeps what is aimed at."""
    for each in answers:
        which = "10 rules, one of which holds," if each.holds else "10 rules"
        took = f"{each.median:.2f} ms median, {each.p99:.2f} ms p99"
        yield f"{which} over {each.size:,} bytes: {took}"
    size = max(each.size for each in answers)
    large = max(each.median for each in answers if each.size == size)
    verdict = "kept" if large < JUDGED_MOST_MS else "missed"
    yield f"aimed at: below {JUDGED_MOST_MS:g} ms over {size:,} bytes: {large:.2f} ms, {verdict}"
    ruled = {"with 10 rules": pace.ruled, "with 10 rules, one of which holds": pace.holding}
    for name, rounds in {"without rules": pace.without, **ruled}.items():
        yield f"{name}: {', '.join(f'{each:,.0f}' for each in rounds)} fires/s"
    for name, rounds in ruled.items():
        slower = pace.slower(rounds)
        verdict = "kept" if slower <= SLOWER_MOST else "missed"
        yield f"aimed at: at most {SLOWER_MOST:.0%} slower {name}: {slower:.1%}, {verdict}"

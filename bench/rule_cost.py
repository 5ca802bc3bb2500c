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
    """How long ten rules over a body took, in milliseconds, the pipe to the child included."""

    size: int
    median: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Paces:
    """Fires a second in each round, without rules and with ten."""

    without: tuple[float, ...]
    ruled: tuple[float, ...]

    @property
    def slower(self) -> float:
        """The part of the pace that rules took, by the medians of the rounds."""
        return 1 - statistics.median(self.ruled) / statistics.median(self.without)


def judged(size: int, *, times: int) -> Judged:
    """Judge ten rules over a JSON body of a size, again and again."""
    return asyncio.run(_judged(size, times))


async def _judged(size: int, times: int) -> Judged:
    expressions, facts = conditions(), _facts(size)
    took: list[float] = []
    async with aclosing(CelRuleEvaluator()) as evaluator:
        for number in range(_WARM + times):
            began = time.perf_counter()
            await evaluator.judge(expressions, facts)
            if number >= _WARM:
                took.append(1000 * (time.perf_counter() - began))
    took.sort()
    return Judged(
        size=size, median=statistics.median(took), p99=took[min(times - 1, int(times * 0.99))]
    )


def _facts(size: int) -> Facts:
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
    """Run a worker without rules and with ten, in turn, over answers of 1 KiB."""
    found: dict[int, list[float]] = {0: [], 10: []}
    for _ in range(rounds):
        for rules, each in found.items():
            each.append(_pace(server, rate=rate, seconds=seconds, rules=rules))
    return Paces(without=tuple(found[0]), ruled=tuple(found[10]))


def _pace(server: Server, *, rate: int, seconds: float, rules: int) -> float:
    with tempfile.TemporaryDirectory(prefix="cronicorn-bench-") as name:
        folder = Path(name)
        with open_target(folder, body=body_of(1024)) as target:
            place = Place(target=target.url, server=server, folder=folder)
            shape = Shape(endpoints=rate, rules=rules)
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
        yield (
            f"10 rules over {each.size:,} bytes: {each.median:.2f} ms median, {each.p99:.2f} ms p99"
        )
    large = answers[-1]
    verdict = "kept" if large.median < JUDGED_MOST_MS else "missed"
    yield f"aimed at: below {JUDGED_MOST_MS:g} ms over {large.size:,} bytes: {verdict}"
    for name, rounds in (("without rules", pace.without), ("with 10 rules", pace.ruled)):
        yield f"{name}: {', '.join(f'{each:,.0f}' for each in rounds)} fires/s"
    verdict = "kept" if pace.slower <= SLOWER_MOST else "missed"
    yield f"aimed at: at most {SLOWER_MOST:.0%} slower: {pace.slower:.1%}, {verdict}"

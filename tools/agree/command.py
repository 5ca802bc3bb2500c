"""The command: tells stories, as many as asked for, and shows the shortest that divides them."""

import argparse
import secrets
import time
from collections.abc import Callable, Sequence

from cronicorn_domain.testing.store_agreement import StoreAgreement
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tools.agree.stores import agreement

ABOUT = """
Tells the memory store, a SQLite and a PostgreSQL (started for it, and gone afterwards) the same
stories of edits, hints, claims, results, losses and time, and compares what they answer and show
after each step. Exits 1 when they differ, with the shortest story found.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell, print, and return the exit code: 1 when the stores differ."""
    given = _parser().parse_args(arguments)
    number = secrets.randbelow(10**6) if given.seed is None else given.seed
    again = f"uv run tools/agree --stories {given.stories} --steps {given.steps} --seed {number}"
    console = Console(stderr=True)
    began = time.monotonic()
    try:
        with agreement() as machine, _progress(console) as progress:
            bar = progress.add_task("stories", total=given.stories)
            told = _counted(machine, lambda: progress.update(bar, advance=1))
            run_state_machine_as_test(
                seed(number)(told), settings=told_settings(given.stories, given.steps)
            )
    except AssertionError as difference:
        print(difference, *getattr(difference, "__notes__", []), sep="\n")
        print(f"The stores differ. The same stories again: {again}")
        return 1
    took = time.monotonic() - began
    print(f"{given.stories} stories told in {took:.0f} s, and the stores agree. Again: {again}")
    return 0


def told_settings(stories: int, steps: int) -> settings:
    """Return how many stories are told, and of how many steps each is at most."""
    return settings(
        max_examples=stories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def _counted(machine: type[StoreAgreement], ended: Callable[[], None]) -> type[StoreAgreement]:
    class Counted(machine):  # type: ignore[valid-type, misc]  # made at run time
        def teardown(self) -> None:
            super().teardown()
            ended()

    return Counted


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/agree", description=ABOUT)
    parser.add_argument("--stories", type=_count, default=100, metavar="N", help="default: 100")
    parser.add_argument(
        "--steps", type=_count, default=40, metavar="M", help="the most of each story; default: 40"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="the same stories again")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is too few: give 1 or more")
    return number

"""What may be said on the command line."""

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tools.simulate.profiles import PROFILES

ABOUT = """
Plays weeks in seconds: real schedulers over the memory store, in virtual time, with crashes,
lost answers, edits, hints and daylight saving drawn from seeds; and has every history judged.
Exits 1 when a promise was broken, with the shortest story found and the command to see it again.
"""
TURNS = (
    "mixed",
    "interventions",
    "polite",
    "troubled",
    "ruled",
    "planned",
    "rationed",
    "leases",
    "clocks",
    "daylight",
    "calm",
)
"""Which profiles take turns when none is named."""
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for."""

    seeds: Sequence[int]
    profile: str | None
    processes: int
    duration: timedelta | None
    only: frozenset[str] | None
    trace: bool
    shrink: bool
    first: bool

    def profile_of(self, seed: int) -> str:
        """Return the profile that a seed is played in."""
        return self.profile or TURNS[seed % len(TURNS)]


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; exits with 2 when it cannot be meant."""
    given = _parser().parse_args(arguments)
    seeds = range(given.begin, given.begin + given.seeds) if given.seed is None else [given.seed]
    return Options(
        seeds=seeds,
        profile=given.profile,
        processes=min(given.processes, len(seeds)),
        duration=given.duration,
        only=None if given.only is None else frozenset(given.only.split()),
        trace=given.trace,
        shrink=given.shrink,
        first=given.first,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/simulate",
        description=ABOUT,
        epilog="Profiles: " + "; ".join(f"{name}: {it.about}" for name, it in PROFILES.items()),
    )
    parser.add_argument("--seeds", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--from", type=int, default=0, dest="begin", help="the first (default 0)")
    parser.add_argument("--seed", type=int, help="play this one alone")
    parser.add_argument(
        "--profile", choices=PROFILES, help="one mix for all; else seeds take turns"
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="default: one for each core"
    )
    parser.add_argument("--duration", type=_length, help="cut the scenario, such as 90s, 5m, 2h")
    parser.add_argument("--only", help='leave everything out but these parts: "e1 w1 d3"')
    parser.add_argument("--trace", action="store_true", help="print everything that happens")
    parser.add_argument(
        "--no-shrink", action="store_false", dest="shrink", help="do not look for a short story"
    )
    parser.add_argument("--first", action="store_true", help="end at the first broken seed")
    return parser


def _length(text: str) -> timedelta:
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no length: write 90s, 5m or 2h")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])

"""A seed is a world: whoever plays it again sees the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def trace_of(seed: int, profile: str, duration: str, *, hash_seed: str) -> bytes:
    """Play a seed in a process of its own, and return all that happened."""
    options = ["--seed", str(seed), "--profile", profile, "--duration", duration]
    played = subprocess.run(
        [sys.executable, "tools/simulate", "--trace", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        check=False,
    )
    return played.stdout


@pytest.mark.parametrize(("profile", "duration"), [("mixed", "3m"), ("daylight", "12h")])
def test_the_same_seed_takes_the_same_course(profile: str, duration: str) -> None:
    """Neither the process nor its hashes have a say: two traces of one seed are equal bytes."""
    first, second = (trace_of(7, profile, duration, hash_seed=each) for each in ("1", "2"))

    assert first == second
    assert first.count(b"\n") > 10

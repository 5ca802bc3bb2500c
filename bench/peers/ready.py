"""The word with which a benchmarked process says that everything is stored and will run."""

import sys

READY = "bench: ready"


def say_ready(stored_in: float) -> None:
    """Say it, and in how many seconds the work was stored."""
    sys.stdout.write(f"{READY} {stored_in:.3f}\n")
    sys.stdout.flush()

"""The target as a process beside the benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from bench.processes import python, started

_STARTS_WITHIN = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target that listens."""

    url: str
    pid: int

    def calls(self) -> bytes:
        """Take its notes, see `bench.target`; the next ones begin anew."""
        with urlopen(f"{self.url}/calls", timeout=60) as answer:  # noqa: S310  it is our own
            notes: bytes = answer.read()
        return notes


@contextmanager
def open_target(folder: Path, *, body: str | None = None) -> Iterator[Target]:
    """Start a target, which answers with a few bytes or a ``body``; it ends with the block."""
    given = [] if body is None else [body]
    with started(python("bench.target", *given), output=folder / "target.log") as child:
        port = child.wait_for("", within=_STARTS_WITHIN)
        yield Target(url=f"http://127.0.0.1:{port}", pid=child.pid)

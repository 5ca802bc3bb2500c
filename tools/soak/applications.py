"""The applications as processes, and what they answer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import urlopen

from bench.processes import Child, python, started

WITHIN: Final = 120.0


def status_of(url: str) -> int:
    """Ask, and give the status of the answer."""
    try:
        with urlopen(url, timeout=WITHIN) as answer:  # noqa: S310  it is our own
            status: int = answer.status
            return status
    except HTTPError as answer:
        return answer.code


@contextmanager
def process(folder: Path, module: str, *options: str, **variables: str) -> Iterator[Child]:
    """Start one of the applications in a folder, with nothing set but what is given."""
    place = folder / module
    place.mkdir()
    kept = {name: "" for name in os.environ if name.startswith("CRONICORN_")}
    command = python(module, *options)
    output = place / "log"
    with started(
        command, output=output, folder=place, environment={**kept, "DATABASE_URL": "", **variables}
    ) as child:
        yield child

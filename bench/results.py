"""Keeps what was measured: one JSON file a run, written anew after each measurement."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench.machine import Noise, Quiet
from bench.measurement import Measurement
from bench.processes import ROOT

FOLDER: Final = ROOT / "bench" / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """
    A run of the benchmark.

    ``machine`` and ``versions`` describe where and with what; ``quiet`` is how the machine was
    before the first measurement; ``cost`` tells in Markdown where the time of a fire went.
    """

    size: str
    command: str
    began: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    quiet: Quiet
    measurements: Sequence[Measurement]
    cost: str = ""

    def write(self, file: Path) -> None:
        """Write the file, whole or not at all."""
        document = asdict(self) | {"measurements": [each.document() for each in self.measurements]}
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(document, indent=1), "utf-8")
        unfinished.replace(file)

    @classmethod
    def read(cls, file: Path) -> "Results":
        """Read what `write` wrote."""
        document: dict[str, Any] = json.loads(file.read_text("utf-8"))
        quiet = document["quiet"]
        return cls(
            **{
                **document,
                "quiet": Quiet(**{**quiet, "noise": Noise(**quiet["noise"])}),
                "measurements": [
                    Measurement.from_document(each) for each in document["measurements"]
                ],
            }
        )


def merged(several: Sequence[Results]) -> Results:
    """Put runs on one machine together, as if they had been one; the first tells when and where."""
    first = several[0]
    versions = {name: text for each in several for name, text in each.versions.items()}
    return replace(
        first,
        command="`, `".join(dict.fromkeys(each.command for each in several)),
        versions=versions,
        quiet=max((each.quiet for each in several), key=lambda each: len(each.faults)),
        measurements=[one for each in several for one in each.measurements],
        cost=next((each.cost for each in several if each.cost), ""),
    )


def new_file(size: str) -> Path:
    """Return where a run that begins now is kept."""
    return FOLDER / f"{time.strftime('%Y-%m-%dT%H-%M-%SZ', time.gmtime())}-{size}.json"


def newest_file() -> Path:
    """
    Return the file of the latest run.

    Raises:
        FileNotFoundError: there is none.
    """
    files = sorted(FOLDER.glob("*Z-*.json"))
    if not files:
        raise FileNotFoundError(f"there are no results in {FOLDER}: run `uv run bench` first")
    return files[-1]

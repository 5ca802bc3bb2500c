"""What the workers' log lines say of a fault."""

import json
from collections import Counter
from typing import Any, Final

from bench.processes import Child

_OF_A_RUN: Final = ("run_", "lease_", "result_")


def told_outages(worker: Child) -> int:
    """Count how often a worker told that its store was away."""
    return _told(worker)["store_unavailable"]


def told_troubles(worker: Child) -> int:
    """Count the lines that are not about one run: those that a loop without end would write."""
    counts = _told(worker)
    return sum(count for name, count in counts.items() if not name.startswith(_OF_A_RUN))


def _told(worker: Child) -> Counter[str]:
    lines = worker.output.read_text("utf-8", "replace").splitlines()
    return Counter(str(_document(line).get("event", line)) for line in lines)


def _document(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        return {}  # a word of Python's, or the half line of a process that was killed
    return document if isinstance(document, dict) else {}

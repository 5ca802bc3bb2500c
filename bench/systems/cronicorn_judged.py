"""Holds what a trial has left in its database against what the endpoints asked for."""

import asyncio

from bench.processes import GaveUp
from tools.check.live import read_history
from tools.checker.check import examine


def judge(database: str) -> None:
    """
    Let the checker read every run and every record of a database whose worker has ended.

    Raises:
        GaveUp: a promise was broken. A rate that was reached by that is none.
    """
    report = examine(asyncio.run(read_history(database)))
    if report.findings:
        first = report.findings[0]
        slots = sum(report.slots.values())
        raise GaveUp(
            f"{len(report.findings)} of {slots} slots broke a promise, the first: {first.fault},"
            f" {first.sentence}"
        )

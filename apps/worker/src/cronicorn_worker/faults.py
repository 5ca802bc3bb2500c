"""
Faults that were foreseen: what to say about them, and how to exit.

0 drained · 2 the usage or a file is wrong · 3 the doctor cannot look · 1 anything else. A fault
names its place and its remedy; none of these is worth a traceback.
"""

from collections.abc import Sequence

USAGE = 2
FAILURE = 1
UNSEEN = 3


class UsageFault(Exception):
    """The command line, the environment or a file asks for something that cannot be done."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(sentences(message, remedy))


class WorkerFault(Exception):
    """The worker cannot go on, or not begin, for a reason outside of it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(sentences(message, remedy))


def sentences(message: str, remedy: str = "") -> str:
    """Join what is wrong and what to do about it; a remedy that is told already is left out."""
    parts: Sequence[str] = [message]
    if remedy and remedy not in message:
        parts = [message, remedy[:1].upper() + remedy[1:]]
    return " ".join(part if part[-1:] in set(".?!") else f"{part}." for part in parts if part)

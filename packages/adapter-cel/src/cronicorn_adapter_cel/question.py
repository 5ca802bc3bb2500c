"""What is asked of the process that answers, whose it is, and how those that wait come in turn."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cronicorn_domain.identity import TenantId
from cronicorn_domain.ports.rule_evaluator import Verdict

AT_ONCE: Final = 64
"""So many questions travel in one message: what waits while others are answered goes together."""

SIZE_AT_ONCE: Final = 1024 * 1024
"""So many characters of bodies travel in one message, unless a single one has more."""

REMEMBERED_FOR: Final = timedelta(minutes=5)
"""So long it is remembered what was too much; then it may have become less, and is tried again."""

_REMEMBERED_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Question:
    """Expressions about one answer, whose body has so many characters, and who waits for them."""

    tenant: TenantId | None
    expressions: list[str]
    about: Mapping[str, Any]
    size: int
    told: "asyncio.Future[list[Verdict]]"

    def tell(self, verdicts: list[Verdict]) -> None:
        """Answer who still waits."""
        if not self.told.done():
            self.told.set_result(verdicts)

    def fail(self, error: BaseException) -> None:
        """Let who still waits go on with what went wrong."""
        if self.told.done():
            return
        if isinstance(error, Exception):
            self.told.set_exception(error)
        else:
            self.told.cancel()


class Turns:
    """Questions that wait. Their tenants come in turn: who has many keeps nobody waiting."""

    def __init__(self) -> None:
        self._waiting: dict[TenantId | None, deque[Question]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return self._count

    def put(self, question: Question) -> None:
        """Let one wait."""
        self._waiting.setdefault(question.tenant, deque()).append(question)
        self._count += 1

    def take(self, most: int = AT_ONCE) -> list[Question]:
        """Take those that go together; who does not wait any more is left out."""
        taken: list[Question] = []
        size = 0
        while self._waiting and len(taken) < most:
            tenant, line = next(iter(self._waiting.items()))
            if taken and size + line[0].size > SIZE_AT_ONCE:
                break
            question = line.popleft()
            self._count -= 1
            del self._waiting[tenant]
            if line:
                self._waiting[tenant] = line
            if not question.told.done():
                taken.append(question)
                size += question.size
        return taken


class Memory:
    """What was too much lately, for some minutes; of very much the oldest is forgotten first."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until: dict[Hashable, float] = {}

    def note(self, what: Hashable) -> None:
        """Remember it from now on."""
        self._until.pop(what, None)
        if len(self._until) >= _REMEMBERED_MOST:
            del self._until[next(iter(self._until))]
        self._until[what] = self._monotonic() + REMEMBERED_FOR.total_seconds()

    def __contains__(self, what: Hashable) -> bool:
        """Say whether it is remembered."""
        until = self._until.get(what)
        return until is not None and self._monotonic() < until

"""Whose turn it is: the tenants that wait, in the order in which they are served."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

MOST: Final = 10_000
"""So many tenants are remembered; who is not among them is found again later."""
_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=(1 << 128) - 1)


class Turns:
    """Tenants that wait, each once; who was served goes behind the others, or leaves."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, None] = {}
        self._onward = _FIRST

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def onward(self) -> UUID:
        """From where on all tenants are to be looked through next."""
        return self._onward

    def go_on(self, last: UUID | None) -> None:
        """Note the last tenant that was looked at; None: all were, it begins anew."""
        self._onward = _FIRST if last is None or last == _LAST else UUID(int=last.int + 1)

    def wait(self, tenants: Iterable[UUID]) -> None:
        """Let tenants wait; those that do already keep their place."""
        for tenant in tenants:
            if len(self._waiting) < MOST:
                self._waiting.setdefault(tenant)

    def next(self, most: int) -> Sequence[UUID]:
        """Take the next tenants out, up to ``most``."""
        taken = list(self._waiting)[:most]
        for tenant in taken:
            del self._waiting[tenant]
        return taken

    def clear(self) -> None:
        """Forget who waited: everything that was due has been taken."""
        self._waiting.clear()

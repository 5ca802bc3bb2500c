"""Tries parts one by one, so that one fault does not hide another."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cronicorn_domain.errors import InvalidInput, SeveralFaults

_PartT = TypeVar("_PartT")


@dataclass(slots=True)
class Attempts:
    """Keeps what the domain refuses; what needs members known to be unusable is not tried."""

    unusable: frozenset[str] = frozenset()
    faults: list[InvalidInput] = field(default_factory=list)

    def attempt(self, needs: tuple[str, ...], make: Callable[[], _PartT]) -> _PartT | None:
        """Make one part of the members it needs; None when that cannot be."""
        if not self.unusable.isdisjoint(needs):
            return None
        try:
            return make()
        except InvalidInput as error:
            self.faults.append(error)
            return None

    def end(self) -> None:
        """Raise what was refused, as one error: ``InvalidInput``."""
        if len(self.faults) == 1:
            raise self.faults[0]
        if self.faults:
            raise SeveralFaults([issue for fault in self.faults for issue in fault.issues])

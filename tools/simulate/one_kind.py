"""Units of work of which there is one kind: reading and writing are the same."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

from cronicorn_domain.ports.unit_of_work import UnitOfWork


class OneKindOfUnits(ABC):
    """A ``UnitsOfWork`` that begins the same for whoever only reads."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one."""
        return self._begin()

    def begin_reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one that only reads, which is the same here."""
        return self._begin()

    @abstractmethod
    def _begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one, of the only kind."""

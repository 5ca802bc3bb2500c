"""Changes kept apart from what they change, until they are applied: what makes a transaction."""

from collections.abc import Hashable, Iterable, Iterator, MutableMapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Overlay(MutableMapping[K, V]):
    """A mapping as it will be; the one below it stays as it is until ``apply``."""

    def __init__(self, base: MutableMapping[K, V]) -> None:
        self._base = base
        self._changed: dict[K, V] = {}
        self._removed: set[K] = set()

    def __getitem__(self, key: K) -> V:
        if key in self._changed:
            return self._changed[key]
        if key in self._removed:
            raise KeyError(key)
        return self._base[key]

    def __contains__(self, key: object) -> bool:
        return key in self._changed or (key not in self._removed and key in self._base)

    def __setitem__(self, key: K, value: V) -> None:
        self._removed.discard(key)
        self._changed[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._changed.pop(key, None)
        if key in self._base:
            self._removed.add(key)

    def __iter__(self) -> Iterator[K]:
        for key in self._base:
            if key not in self._removed:
                yield key
        for key in self._changed:
            if key not in self._base:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def changed(self, key: K) -> bool:
        """Say whether the key's value is the overlay's own."""
        return key in self._changed

    def apply(self) -> None:
        """Write the changes through."""
        for key in self._removed:
            del self._base[key]
        for key, value in self._changed.items():
            self._base[key] = value


class Log(Generic[K, V]):
    """Sequences that are appended to, one for each key."""

    def __init__(self) -> None:
        self._rows: dict[K, list[V]] = {}

    def of(self, key: K) -> Sequence[V]:
        """Return the key's sequence, oldest first; none is empty."""
        return self._rows.get(key, ())

    def filled(self) -> Sequence[K]:
        """Return the keys whose sequence is not empty."""
        return list(self._rows)

    def add(self, key: K, value: V) -> None:
        """Append one value."""
        self._rows.setdefault(key, []).append(value)

    def replace(self, key: K, values: Iterable[V]) -> None:
        """Put another sequence in the place of the key's; an empty one removes the key."""
        rows = list(values)
        if rows:
            self._rows[key] = rows
        else:
            self._rows.pop(key, None)


class LogOverlay(Log[K, V]):
    """Sequences as they will be; those below stay as they are until ``apply``."""

    def __init__(self, base: Log[K, V]) -> None:
        super().__init__()
        self._base = base
        self._replaced: set[K] = set()

    def of(self, key: K) -> Sequence[V]:
        """Return the key's sequence with the changes in it."""
        own = super().of(key)
        return own if key in self._replaced else [*self._base.of(key), *own]

    def filled(self) -> Sequence[K]:
        """Return the keys whose sequence is not empty, with the changes in it."""
        below = [key for key in self._base.filled() if key not in self._replaced]
        return list(dict.fromkeys([*below, *super().filled()]))

    def replace(self, key: K, values: Iterable[V]) -> None:
        """Put another sequence in the place of the key's; what lies below counts no more."""
        super().replace(key, values)
        self._replaced.add(key)

    def apply(self) -> None:
        """Write the changes through."""
        for key in self._replaced:
            self._base.replace(key, self._rows.pop(key, ()))
        for key, values in self._rows.items():
            for value in values:
                self._base.add(key, value)

"""Has every catcher prove itself on sound code, and then look for one fault after the other."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from tools.plant.catcher import CATCHERS, Catch, Catcher, Verdict
from tools.plant.copied import copied_tree, planted
from tools.plant.fault import Fault
from tools.plant.results import SOUND, Results

SECONDS_LEAST = 120
TRIES_MOST = 3
"""On sound code: what fails once and not again is no reason to plant nothing."""
SLOWER_MOST = 3
"""A catcher may take so much longer than on sound code, and a little, before it hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A fault, and what each catcher that can see it made of it."""

    fault: Fault
    catches: Mapping[str, Catch] = field(default_factory=dict)

    @property
    def caught(self) -> bool:
        """Say whether at least one has caught it."""
        return any(each.caught for each in self.catches.values())


class Trials:
    """Copies of the tree, each lent to one trial after the other, and what came of the trials."""

    def __init__(self, results: Results, *, copies: int) -> None:
        self._results = results
        self._copies = copies
        self._free: SimpleQueue[Path] = SimpleQueue()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for _ in range(self._copies):
            self._free.put(self._stack.enter_context(copied_tree()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prove(self, catcher: Catcher, files: frozenset[str]) -> Catch:
        """Try a catcher on the code as it is: as if something in ``files`` were wrong."""
        version = _version(files)
        known = self._results.of(SOUND, version, catcher.name)
        tries = 0
        while known is None or (known.verdict is Verdict.UNSURE and tries < TRIES_MOST):
            tries += 1
            root = self._free.get()
            try:
                known = catcher.judge(root, files, seconds_most=SECONDS_LEAST * 10)
            finally:
                self._free.put(root)
            self._results.keep(SOUND, version, catcher.name, known)
        return known

    def attempt(self, fault: Fault, limits: Mapping[str, float], *, thorough: bool) -> Trial:
        """
        Try a fault; unless ``thorough``, the first catch is enough.

        Raises:
            ValueError: the patch no longer fits the code.
        """
        catches: dict[str, Catch] = {}
        root = self._free.get()
        try:
            for catcher in catchers_of(fault):
                catches[catcher.name] = self._ask(catcher, fault, root, limits[catcher.name])
                if catches[catcher.name].caught and not thorough:
                    break
        finally:
            self._free.put(root)
        return Trial(fault=fault, catches=catches)

    def _ask(self, catcher: Catcher, fault: Fault, root: Path, seconds_most: float) -> Catch:
        known = self._results.of(fault.name, fault.version(), catcher.name)
        if known is None:
            with planted(fault, root):
                known = catcher.judge(root, fault.files(), seconds_most=seconds_most)
            self._results.keep(fault.name, fault.version(), catcher.name, known)
        return known


def catchers_of(fault: Fault) -> Sequence[Catcher]:
    """Return those that can see a fault at all."""
    return [each for each in CATCHERS if each.can_see(fault.files())]


def limit_of(proof: Catch) -> float:
    """Return how long a catcher may take that took so long on sound code."""
    return SECONDS_LEAST + SLOWER_MOST * proof.seconds


def files_of(faults: Iterable[Fault]) -> frozenset[str]:
    """Name every file that one of the faults changes."""
    return frozenset(file for fault in faults for file in fault.files())


def _version(files: frozenset[str]) -> str:
    return " ".join(sorted(files))

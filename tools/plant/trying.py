"""Has every catcher prove itself on sound code, and then look for one fault after the other."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Self

from tools.plant.catcher import CATCHERS, Catch, Catcher, Verdict
from tools.plant.copied import copied_tree, planted
from tools.plant.fault import Fault
from tools.plant.results import SOUND, Results
from tools.plant.suites import members_of

SECONDS_LEAST = 120
LEFT_OUT_MOST = 5
"""So many tests may fail once and not again on sound code, before nothing is proven."""
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


class Unproven(Exception):
    """A catcher that finds faults where there are none would prove nothing."""

    def __init__(self, catcher: Catcher, proof: Catch) -> None:
        super().__init__(f"without a fault the {catcher.name} is {proof.verdict}: {proof.by}")


class Trials:
    """Copies of the tree, each lent to one trial after the other, and what came of the trials."""

    def __init__(self, results: Results, *, copies: int) -> None:
        self._results = results
        self._copies = copies
        self._free: SimpleQueue[Path] = SimpleQueue()
        self._stack = ExitStack()
        self._proving: dict[tuple[str, str], Lock] = {}

    def __enter__(self) -> Self:
        for _ in range(self._copies):
            self._free.put(self._stack.enter_context(copied_tree()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def attempt(self, fault: Fault, *, thorough: bool) -> Trial:
        """
        Try a fault; unless ``thorough``, the first catch is enough.

        Raises:
            ValueError: the patch no longer fits the code.
            Unproven: a catcher does not find sound code sound.
        """
        catches: dict[str, Catch] = {}
        root = self._free.get()
        try:
            for catcher in catchers_of(fault):
                proof = self._proof(catcher, fault.files(), root)
                catches[catcher.name] = self._ask(catcher, fault, root, proof)
                if catches[catcher.name].caught and not thorough:
                    break
        finally:
            self._free.put(root)
        return Trial(fault=fault, catches=catches)

    def _ask(self, catcher: Catcher, fault: Fault, root: Path, proof: Catch) -> Catch:
        known = self._results.of(fault.name, fault.version(), catcher.name)
        if known is None:
            with planted(fault, root):
                known = catcher.judge(
                    root,
                    fault.files(),
                    seconds_most=SECONDS_LEAST + SLOWER_MOST * proof.seconds,
                    left_out=proof.by.split(),
                )
            self._results.keep(fault.name, fault.version(), catcher.name, known)
        return known

    def _proof(self, catcher: Catcher, files: frozenset[str], root: Path) -> Catch:
        """
        Have a catcher find sound code sound, once for all faults that it looks for likewise.

        Its ``by`` names the tests that failed once and not again, and are left out from then on.
        """
        version = "" if catcher.sees else " ".join(members_of(files))
        with self._proving.setdefault((catcher.name, version), Lock()):
            known = self._results.of(SOUND, version, catcher.name)
            if known is None:
                known = _prove(catcher, files, root)
                if known.verdict is not Verdict.MISSED:
                    raise Unproven(catcher, known)
                self._results.keep(SOUND, version, catcher.name, known)
            return known


def _prove(catcher: Catcher, files: frozenset[str], root: Path) -> Catch:
    left_out: list[str] = []
    while True:
        proof = catcher.judge(root, files, seconds_most=SECONDS_LEAST * 10, left_out=left_out)
        if proof.verdict is not Verdict.UNSURE or len(left_out) == LEFT_OUT_MOST:
            return replace(proof, by=" ".join(left_out) or proof.by)
        left_out.append(proof.failed)


def catchers_of(fault: Fault) -> Sequence[Catcher]:
    """Return those that can see a fault at all."""
    return [each for each in CATCHERS if each.can_see(fault.files())]

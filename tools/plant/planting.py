"""Plants one fault in a copy of the tree, and lets everybody look for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.plant.catcher import CATCHERS, Catch
from tools.plant.copied import copied_tree
from tools.plant.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A fault, and what each catcher that can see it made of it."""

    fault: Fault
    catches: Sequence[Catch]

    @property
    def caught(self) -> bool:
        """Say whether at least one has caught it."""
        return any(each.caught for each in self.catches)


def plant(fault: Fault, *, thorough: bool) -> Trial:
    """
    Try a fault; unless ``thorough``, the first catch is enough.

    Raises:
        ValueError: the patch no longer fits the code.
    """
    catches: list[Catch] = []
    with copied_tree() as root:
        fault.apply(root)
        files = fault.files()
        for catcher in CATCHERS:
            if not catcher.sees(files):
                continue
            catches.append(catcher.judge(root))
            if catches[-1].caught and not thorough:
                break
    return Trial(fault=fault, catches=catches)

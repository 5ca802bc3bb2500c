"""A planted fault: a small patch with a sentence that says what is wrong with it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "faults"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One patch of `faults/`, named after its file.

    ``sentence`` is what stands above the diff: how the code misbehaves once the patch is applied.
    """

    name: str
    sentence: str
    patch: Path

    def files(self) -> frozenset[str]:
        """Name the files that the patch changes."""
        lines = self.patch.read_text("utf-8").splitlines()
        return frozenset(line.removeprefix("+++ b/") for line in lines if line.startswith("+++ b/"))

    def fits(self, root: Path) -> bool:
        """Say whether the patch can be applied to the tree at ``root``."""
        return _git_apply(self.patch, root, "--check").returncode == 0

    def apply(self, root: Path) -> None:
        """
        Plant it in the tree at ``root``, which must be a copy.

        Raises:
            ValueError: the code has changed, and the patch no longer fits.
        """
        done = _git_apply(self.patch, root)
        if done.returncode != 0:
            raise ValueError(f"{self.patch.name} no longer fits:\n{done.stderr}")

    def take_out(self, root: Path) -> None:
        """Undo ``apply``."""
        done = _git_apply(self.patch, root, "--reverse")
        if done.returncode != 0:
            raise RuntimeError(f"{self.patch.name} cannot be taken out:\n{done.stderr}")

    def version(self) -> str:
        """Return a word for the patch as it is."""
        return sha256(self.patch.read_bytes()).hexdigest()[:16]


def every_fault() -> Sequence[Fault]:
    """Read all of them, in the order of their names."""
    return [_read(patch) for patch in sorted(FOLDER.glob("*.patch"))]


def _read(patch: Path) -> Fault:
    above, _, _ = patch.read_text("utf-8").partition("\n---")
    return Fault(name=patch.stem, sentence=" ".join(above.split()), patch=patch)


def _git_apply(patch: Path, root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "apply", *options, str(patch.resolve())]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

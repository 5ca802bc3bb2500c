"""A copy of the tree in which nothing can be spoilt, and the environment that runs its code."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.plant.fault import FOLDER, Fault

ROOT = Path(__file__).parents[2]


@contextmanager
def copied_tree() -> Iterator[Path]:
    """Copy every file that git knows of into a folder that goes with the block."""
    with TemporaryDirectory(prefix="cronicorn-plant-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        for name in _files():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
        yield root


@contextmanager
def planted(fault: Fault, root: Path) -> Iterator[None]:
    """
    Keep a fault in a copy for as long as the block lasts.

    Raises:
        ValueError: the patch no longer fits the code.
    """
    fault.apply(root)
    _forget_compiled(root, fault.files())
    try:
        yield
    finally:
        fault.take_out(root)
        _forget_compiled(root, fault.files())


def environment_of(root: Path) -> Mapping[str, str]:
    """
    Return the environment in which Python finds the copy's packages before the installed ones.
    """
    sources = [*root.glob("packages/*/src"), *root.glob("apps/*/src"), root]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(each) for each in sources)}


def digest() -> str:
    """
    Return a word for the code as it is: what was found out about other code does not count.

    Pages and the faults themselves are left out: the former change nothing, and each of the latter
    is known by its own words.
    """
    total = sha256()
    for name in _files():
        if name.endswith(".md") or (ROOT / name).is_relative_to(FOLDER):
            continue
        total.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    return total.hexdigest()[:16]


def commit() -> str:
    """Name the commit that is checked out; a plus says that the tree differs from it."""
    git = ["git", "describe", "--always", "--exclude=*", "--dirty=+"]
    done = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _files() -> Iterable[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def _forget_compiled(root: Path, files: Iterable[str]) -> None:
    """A patch may keep a file's second and its length, which is all that Python compares."""
    for name in files:
        source = root / name
        for compiled in (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"):
            compiled.unlink()

"""A copy of the tree in which nothing can be spoilt, and the environment that runs its code."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]


@contextmanager
def copied_tree() -> Iterator[Path]:
    """Copy every file that git knows of into a folder that goes with the block."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with TemporaryDirectory(prefix="cronicorn-plant-") as folder:
        root = Path(folder).resolve()
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        yield root


def environment_of(root: Path) -> Mapping[str, str]:
    """
    Return the environment in which Python finds the copy's packages before the installed ones.
    """
    sources = [*root.glob("packages/*/src"), *root.glob("apps/*/src"), root]
    path = os.pathsep.join(str(each) for each in sources)
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

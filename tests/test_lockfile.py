"""The lock file names nothing but the public index, and fits what the members declare."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PUBLIC = {"pypi.org", "files.pythonhosted.org"}

# Uv lets these move the index, even where the project pins one.
INDEX_VARIABLES = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"}


def test_only_the_public_index_is_named() -> None:
    """No mirror of the machine that locked has got into the lock file."""
    hosts = re.findall(r"\w+://([^/\"]+)", (ROOT / "uv.lock").read_text("utf-8"))

    assert set(hosts) == PUBLIC


def test_the_lock_file_is_up_to_date() -> None:
    """A member's dependencies do not change without the lock file."""
    outcome = subprocess.run(
        ["uv", "lock", "--check"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in INDEX_VARIABLES},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stderr

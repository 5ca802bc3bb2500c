"""Nothing of a test run goes on for ever, whatever hangs."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

HANGS = """
import threading
import pytest

@pytest.fixture
def what_never_ends():
    yield
    threading.Event().wait()

def test_it(what_never_ends):
    threading.Event().wait()
"""


def test_what_hangs_twice_is_ended(tmp_path: Path) -> None:
    """A test whose time is up, and whose fixture never ends, ends the run, which says where."""
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 1\n")
    (tmp_path / "test_hangs.py").write_text(HANGS)

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", "test_hangs.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode != 0
    assert "in what_never_ends" in ended.stderr

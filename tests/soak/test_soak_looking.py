"""What a phase looks for in a database while it runs."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tools.soak.looking import can_be_written


def test_a_file_that_somebody_writes_to_cannot_be_written(tmp_path: Path) -> None:
    """A worker that is stopped amid a write would keep its leases from being taken."""
    file = tmp_path / "some.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        during = can_be_written(f"sqlite:///{file}")
        writer.execute("ROLLBACK")

    assert (during, can_be_written(f"sqlite:///{file}")) == (False, True)

"""What the worker's tests share: an environment with nothing set, and a jobs file's reader."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cronicorn_adapter_memory.egress_rules import EveryUrlAllowed
from cronicorn_worker.jobs_file.desired import DesiredJob
from cronicorn_worker.jobs_file.reading import read_jobs

Read = Callable[..., tuple[DesiredJob, ...]]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give an empty current directory and an environment without any option of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith("CRONICORN_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def read() -> Read:
    """Read the text of a jobs file in which every URL is let out; keywords are the environment."""

    def reader(text: str, **environ: str) -> tuple[DesiredJob, ...]:
        return read_jobs(text, file="jobs.yaml", environ=environ, rules=EveryUrlAllowed())

    return reader

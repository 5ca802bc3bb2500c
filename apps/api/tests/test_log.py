"""What the API logs can be read by machines, and never stands in the way."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cronicorn_api.log import Log

FULL = Path("/dev/full")


@pytest.fixture(autouse=True)
def others():
    """Put back what listens to libraries."""
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_what_libraries_say_is_an_object_a_line(capsys) -> None:
    """What sends traces fails in its own words, and a collector of logs reads them."""
    Log("info")
    sender = logging.getLogger("opentelemetry.exporter")

    sender.warning("cannot reach %s\nat all", "collector")
    sender.error("gave up", exc_info=ConnectionError("refused"))

    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["event"], first["level"]) == ("cannot reach collector\nat all", "warning")
    assert "refused" in second["exception"]
    assert {"timestamp"} <= first.keys() & second.keys()


def test_a_full_disk_stops_the_lines_alone() -> None:
    """A request is answered, whether its line can be kept or not."""
    code = (
        "import logging\n"
        "from cronicorn_api.log import Log\n"
        "log = Log('info')\n"
        "log.say('started')\n"
        "logging.getLogger('library').warning('odd')\n"
        "import os, sys\n"
        "sys.stderr.write('went on')\n"
        "sys.stderr.flush()\n"
        "os._exit(0)\n"
    )
    with FULL.open("w") as full:
        told = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            env=dict(os.environ),
            timeout=60,
            check=False,
        )

    assert (told.returncode, told.stderr) == (0, b"went on")

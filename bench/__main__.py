"""Lets `uv run bench` start the benchmark."""

import sys
from pathlib import Path

# Run as a folder, only the folder itself can be imported from; the package lies in its parent.
sys.path[0] = str(Path(__file__).parents[1])

from bench.command import app  # noqa: E402

if __name__ == "__main__":
    app(prog_name="bench")

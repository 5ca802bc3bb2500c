"""Lets `uv run tools/adaptation` play the scenarios; `--help` says how."""

import sys
from pathlib import Path

# In the place of this folder, whose modules are called by their full names.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.adaptation.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())

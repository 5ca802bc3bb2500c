"""Lets `uv run tools/agree` tell stories to the stores; `--help` says how."""

import sys
from pathlib import Path

# In the place of this folder, whose modules are called by their full names.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.agree.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())

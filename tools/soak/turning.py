"""How a worker's wall clock is turned while it works: by signals, as it has nothing to ask."""

import signal
from typing import Final

FORWARD: Final = signal.SIGUSR1
BACK: Final = signal.SIGUSR2
STEP: Final = 600.0
"""Seconds that each signal turns it by."""

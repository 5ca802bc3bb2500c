"""What a process owes to whoever keeps it: not to outlive it by more than a drain."""

import multiprocessing
import os
import threading
import time
from datetime import timedelta
from typing import Final

from cronicorn_worker.faults import FAILURE

LONGEST_DRAIN: Final = timedelta(minutes=1)
"""Nearly twice what a drain may take: its grace, its closing, and the leave of the registry."""


def outlive_keeper_by_at_most(length: timedelta) -> None:
    """
    End this process, in whatever state it is, so long after its keeper's end.

    A process hears of that end on its loop, and drains. A loop that stands still hears nothing:
    one that writes a log line, for instance, to a pipe which is full and which nobody reads. So
    this is watched in a thread of its own. What is cut off is left to the reaper.
    """
    keeper = multiprocessing.parent_process()
    assert keeper is not None, "only a process that was started by a keeper has one"

    def watch() -> None:
        keeper.join()
        time.sleep(length.total_seconds())
        os._exit(FAILURE)

    threading.Thread(target=watch, name="keeper", daemon=True).start()

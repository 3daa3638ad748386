"""The end of the process, also where a thread cannot be stopped."""

from __future__ import annotations

import os
import sys
import threading

from galaxyscope.work.lanes import THREAD_NAME


def end(status: int) -> int:
    """Return the exit status, or leave at once if a thread of a lane is still at work.

    Such a thread is in a library's own code, where no cancelling is heard (a network that is
    being loaded, a dead network drive). The interpreter would end it when it next asks for
    Python's lock, which unwinds it through C++ and aborts the process. Nothing is lost: all
    that was committed is on disk before this is called.

    Parameters
    ----------
    status : int
        Exit status of the process.
    """
    if any(thread.name.startswith(f"{THREAD_NAME} ") for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # a program without a terminal has none
                stream.flush()
        os._exit(status)
    return status

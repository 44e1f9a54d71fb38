"""The memory of a process that allocates and frees chunks of a megabyte all day, kept near to what it holds."""

from __future__ import annotations

import ctypes
import os
import time

_SETTINGS = {-8: 1, -3: 4 * 1024**2, -1: 16 * 1024**2}
"""Of glibc's mallopt: M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD. By default each of up to 8 arenas for a processor keeps
what chunks of a megabyte left in it: a worker of 500 MB had 770. The rate of answers was the same with one arena and with two."""
_EVERY_S = 10.0
"""Between calls of malloc_trim, which gives back the free pages between what is held, and takes some milliseconds."""

_glibc = ctypes.CDLL(None)  # of other C libraries there are no such functions, and nothing is done


def keep_together() -> None:
    """Have the C library use one heap, unless the environment says how it is to be done. Before threads are started."""
    mallopt = getattr(_glibc, "mallopt", None)
    if mallopt is not None and not any(name.startswith("MALLOC_") for name in os.environ):
        for parameter, value in _SETTINGS.items():
            mallopt(parameter, value)


class Trimmer:
    """Gives free memory back to the system now and then."""

    def __init__(self) -> None:
        self._trim = getattr(_glibc, "malloc_trim", None)
        self._next_s = time.monotonic() + _EVERY_S

    def tick(self) -> None:
        """To be called often."""
        now = time.monotonic()
        if self._trim is not None and now >= self._next_s:
            self._trim(0)
            self._next_s = now + _EVERY_S

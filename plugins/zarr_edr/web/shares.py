"""How many connections each worker has, in memory that all of them see, so that a few clients spread over all workers.

The kernel wakes every worker for a new connection, and who comes first takes it: one worker may end up with all the connections
that a proxy keeps, while the others idle.
"""

from __future__ import annotations

import mmap
import time

import numpy as np
from numpy.typing import NDArray

_WORKERS = 256
"""Places, taken in turn: a worker that is replaced leaves its place to a later one."""
_STALE_S = 3.0
"""A worker that has not been heard of for so long has ended, or hangs. Each tells of itself at least once a second."""


class Shares:
    """Connections of all workers. Made before they are forked."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 16 * _WORKERS)  # shared with the forks to come
        self._told: NDArray[np.float64] = np.frombuffer(self._memory, dtype=np.float64).reshape(_WORKERS, 2)

    def tell(self, worker: int, connections: int) -> None:
        """A worker's number of connections, by now."""
        self._told[worker % _WORKERS] = time.monotonic(), connections

    def least(self, worker: int) -> float:
        """The least number that another worker has; infinite where there is none."""
        heard, connections = self._told.T
        others = heard > time.monotonic() - _STALE_S
        others[worker % _WORKERS] = False
        return float(connections[others].min(initial=np.inf))

"""Arrays in a file, for answers that are larger than memory should be."""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.errors import Overloaded


class Spill:
    """Arrays that live in a file without a name: it is gone with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open until `close`
        self._maps: list[mmap.mmap] = []
        self._bytes = 0

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array, all zero. Raises `Overloaded` where the disk has no room for it."""
        size = max(1, int(np.prod(shape, dtype=np.int64))) * dtype.itemsize
        start = -(-self._bytes // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        try:
            os.posix_fallocate(
                self._file.fileno(), start, size
            )  # a hole that cannot be filled later would end the process
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                raise
            raise Overloaded(f"There is no room for the {size:,} bytes of values of this answer; try later.") from error
        self._bytes = start + size
        mapped = mmap.mmap(self._file.fileno(), size, offset=start)
        self._maps.append(mapped)
        return np.frombuffer(mapped, dtype, int(np.prod(shape, dtype=np.int64))).reshape(shape)

    def release(self) -> None:
        """Give memory back: the values stay in the file, or in what the system keeps of it as long as nobody needs the room."""
        for mapped in self._maps:
            mapped.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Give the file back as soon as no array of it is in use any more."""
        self._maps.clear()
        self._file.close()

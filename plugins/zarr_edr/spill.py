"""Arrays in a file, for answers that are larger than memory should be."""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.errors import Overloaded


class Spill:
    """Arrays that live in a file of a folder, where whoever counts the bytes of the folder sees it.

    The folder is the caller's, and so is what a process that is killed leaves in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._maps: list[mmap.mmap] = []
        self._bytes = 0

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array, all zero. Raises `Overloaded` where the disk has no room for it."""
        size = max(1, int(np.prod(shape, dtype=np.int64))) * dtype.itemsize
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile(prefix="values-", dir=self._folder)  # noqa: SIM115 - until `close`
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
        """Give the file back; of an array that is still in use, e.g. by a profiler, when it is not any more."""
        if self._file is not None:
            self._file.close()
        while self._maps:
            with suppress(BufferError):
                self._maps.pop().close()

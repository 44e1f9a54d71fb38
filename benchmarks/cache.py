"""Where what a run makes is kept for the next one: generated stores and the environments of peers, outside of the repository."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SPARE_BYTES = 1024**3
"""A disk is not filled to the brim."""


class NoRoom(Exception):
    """The disk lacks room for what is to be made."""


def folder() -> Path:
    """The cache of the benchmark; `make bench-clean` removes it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "zarr-edr-bench"


def need_room(where: Path, size: int) -> None:
    """Refuse where the disk of the folder `where` cannot take `size` bytes and leave some. Raises `NoRoom`."""
    where.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(where).free
    if free < size + SPARE_BYTES:
        raise NoRoom(
            f"{where} has {free / 1e9:.1f} GB left; {size / 1e9:.1f} GB are to be written and {SPARE_BYTES / 1e9:.1f} GB "
            "stay free. Set XDG_CACHE_HOME to a folder on a larger disk."
        )


def finished(made: Path, make_in: Path) -> None:
    """Give what was made in `make_in` its final name, so that a run that was broken off leaves nothing that looks whole."""
    shutil.rmtree(made, ignore_errors=True)
    make_in.rename(made)

"""Environments of peers: made once from a file of hashed requirements, kept in the cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import cache

HERE = Path(__file__).parents[1]
APPS = HERE / "apps"
SIZE_BYTES = 1_000_000_000


def environment(name: str) -> Path:
    """The `bin` folder of the environment of `benchmarks/NAME.lock`. Raises `cache.NoRoom`, `CalledProcessError`."""
    lock = HERE / f"{name}.lock"
    mark = hashlib.blake2b(lock.read_bytes() + sys.version.encode(), digest_size=4).hexdigest()
    made = cache.folder() / f"{name}-{mark}"
    ready = made / "ready"  # scripts name the folder they are in, so it is made where it stays
    if not ready.exists():
        cache.need_room(cache.folder(), SIZE_BYTES)
        print(f"Installing {name} into {made}, once.", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(made)], check=True)
        pip = [str(made / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--no-deps", "--requirement", str(lock)], check=True)
        ready.touch()
    return made / "bin"


def variables(**more: str) -> dict[str, str]:
    """The environment's variables without ours: a peer must not import what belongs to this project."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more


def versions(bin_folder: Path, *names: str) -> str:
    """`name version` of some packages there."""
    code = f"from importlib.metadata import version; print(', '.join(n + ' ' + version(n) for n in {names!r}))"
    command = [str(bin_folder / "python"), "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=variables()).stdout.strip()

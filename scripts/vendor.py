"""The JavaScript libraries and map data that the explorer and the other pages bring along, taken from their npm packages.

    python scripts/vendor.py           fetch the versions that the manifest names, write the files and their hashes
    python scripts/vendor.py --check   compare the files with the manifest; asks nobody

The manifest is plugins/zarr_edr/web/static/vendor/VENDOR.json. To take another version, change `version` there and run this.
Files are copied as they are, except for references to source maps, which are not brought along.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "plugins/zarr_edr/web/static/vendor"
MANIFEST = FOLDER / "VENDOR.json"
_SOURCE_MAP = re.compile(rb"\n?(//# sourceMappingURL=[^\n]*|/\*# sourceMappingURL=[^\n]*\*/)\s*$")


def main(arguments: list[str]) -> int:
    """Fetch or check; 1 where something differs."""
    packages = json.loads(MANIFEST.read_text(encoding="utf-8"))
    if arguments == ["--check"]:
        found = faults(packages)
        print("\n".join(found) or "The libraries are as the manifest says.")
        return 1 if found else 0
    for package in packages:
        fetch(package)
    MANIFEST.write_text(json.dumps(packages, indent=2) + "\n", encoding="utf-8")
    return 0


def faults(packages: list[dict[str, Any]]) -> list[str]:
    """What is missing, changed, or there without being named."""
    named = {file["name"]: file["sha256"] for package in packages for file in package["files"]}
    there = {path.name for path in FOLDER.iterdir()} - {MANIFEST.name}
    found = [f"{name} is missing" for name in sorted(named.keys() - there)]
    found += [f"{name} is not in the manifest" for name in sorted(there - named.keys())]
    changed = (name for name in sorted(named.keys() & there) if digest((FOLDER / name).read_bytes()) != named[name])
    return found + [f"{name} has changed" for name in changed]


def fetch(package: dict[str, Any]) -> None:
    """Copy the files of one package, and note their hashes in it."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder]
        subprocess.run([*command, f"{package['package']}@{package['version']}"], check=True, stdout=subprocess.DEVNULL)
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            for file in package["files"]:
                member = archive.extractfile(f"package/{file['from']}")
                if member is None:
                    raise SystemExit(f"{package['package']} {package['version']} has no {file['from']}")
                data = _SOURCE_MAP.sub(b"\n", member.read())
                (FOLDER / file["name"]).write_bytes(data)
                file["sha256"] = digest(data)


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

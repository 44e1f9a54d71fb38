"""The JavaScript libraries and map data that the explorer and the other pages bring along, taken from their npm packages.

    python scripts/vendor.py           fetch the versions that the manifest names, write the files and their hashes; a file that
                                       has another hash than the manifest says is refused
    python scripts/vendor.py --check   compare the files with the manifest; asks nobody

The manifest is plugins/zarr_edr/web/static/vendor/VENDOR.json. To take another version, change `version` there, take the
`sha256` of its files out, and run this. Files are copied as they are, except for references to source maps, which are not brought
along.
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
    named = {file["name"]: file.get("sha256") for package in packages for file in package["files"]}
    there = {path.name for path in FOLDER.iterdir()} - {MANIFEST.name}
    found = [f"{name} is missing" for name in sorted(named.keys() - there)]
    found += [f"{name} is not in the manifest" for name in sorted(there - named.keys())]
    changed = (name for name in sorted(named.keys() & there) if digest((FOLDER / name).read_bytes()) != named[name])
    return found + [f"{name} has changed" for name in changed]


def fetch(package: dict[str, Any]) -> None:
    """Copy the files of one package, and note their hashes in it; nothing is written where one is missing or not the one known.

    Raises `SystemExit` with what was wrong.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder]
        subprocess.run([*command, f"{package['package']}@{package['version']}"], check=True, stdout=subprocess.DEVNULL)
        (packed,) = Path(folder).glob("*.tgz")
        found = unpacked(packed, package)
    for file in package["files"]:
        data = found[file["name"]]
        (FOLDER / file["name"]).write_bytes(data)
        file["sha256"] = digest(data)


def unpacked(packed: Path, package: dict[str, Any]) -> dict[str, bytes]:
    """The files of a packed package by the names they get here, each held against its hash where that is known.

    Raises `SystemExit` for a file that is not there, and for one that has changed although the version has not.
    """
    title = f"{package['package']} {package['version']}"
    found = {}
    with tarfile.open(packed) as archive:
        members = {member.name: member for member in archive if member.isfile()}
        for file in package["files"]:
            member = members.get(f"package/{file['from']}")
            content = member and archive.extractfile(member)
            if not content:
                raise SystemExit(f"{title} has no {file['from']}")
            data = _SOURCE_MAP.sub(b"\n", content.read())
            if file.get("sha256", digest(data)) != digest(data):
                raise SystemExit(
                    f"{file['from']} of {title} is not the file it was: its hash differs from the manifest's"
                )
            found[file["name"]] = data
    return found


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

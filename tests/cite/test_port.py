"""The port is complete."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def official() -> set[str]:
    """`class.method` of the official tests, in lower case and without underscores."""
    return set((HERE / "official_tests.txt").read_text().lower().replace("_", "").split())


def ported() -> list[str]:
    """`class.method` of the tests here, as their names have it."""
    sources = "\n".join(path.read_text() for path in sorted(HERE.glob("test_*.py")))
    names = re.findall(r"^def test_(\w+?)__(\w+)\(", sources, re.MULTILINE)
    return [f"{group}.{test}".replace("_", "") for group, test in names]


def test_there_are_60_official_tests() -> None:
    assert len(official()) == 60


def test_each_official_test_has_one_here() -> None:
    assert sorted(ported()) == sorted(official())

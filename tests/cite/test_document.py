"""docs/conformance.md names tests that exist, and the classes that the service declares."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cite.conftest import Site

TESTS = Path(__file__).parents[1]
DOCUMENT = (TESTS.parent / "docs" / "conformance.md").read_text()


def named() -> list[str]:
    """References to tests in the tables of requirements."""
    cells = [line.rsplit("|", 2)[1] for line in DOCUMENT.splitlines() if line.startswith("|") and "`" in line]
    return [name for cell in cells for name in re.findall(r"`([^`]*)`", cell)]


def exists(name: str) -> bool:
    """Whether a reference, e.g. `core::TestCore::test_x` or `web/test_x.py`, leads to a test."""
    file, *path = name.split("::")
    source = TESTS / (file if "/" in file else f"cite/test_requirements_{file}.py")
    if not source.is_file():
        return False
    body = ast.parse(source.read_text()).body
    for step in path:
        found = [n for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == step]
        if not found:
            return False
        body = found[0].body
    return True


def test_every_test_that_is_named_exists() -> None:
    assert named()
    assert [name for name in named() if not exists(name)] == []


def test_every_row_of_requirements_names_a_test() -> None:
    rows = [
        line for line in DOCUMENT.splitlines() if re.match(r"\| [\w/]", line) and re.search(r"\| (yes|part) \|", line)
    ]
    assert rows
    assert [row for row in rows if "::" not in row and ".py" not in row] == []


def test_every_test_of_requirements_is_named() -> None:
    shown = {name.rpartition("::")[0] for name in named()} | set(named())
    for source in sorted(TESTS.glob("cite/test_requirements_*.py")):
        short = source.stem.removeprefix("test_requirements_")
        classes = [n.name for n in ast.parse(source.read_text()).body if isinstance(n, ast.ClassDef)]
        assert [name for name in classes if f"{short}::{name}" not in shown] == []


def test_every_class_that_is_declared_is_in_the_document(site: Site) -> None:
    declared = {
        uri.rsplit("/", 1)[1] for uri in site.conforms_to if "/ogcapi-edr-1/" in uri or "/ogcapi-common-" in uri
    }
    claim = DOCUMENT.partition("## Official tests")[0]
    assert sorted(name for name in declared if not re.search(rf"\b{name}\b", claim)) == []

"""Every example of docs/clients.md prints what stands below it."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess

import pytest

from .conftest import ROOT, Demo, Node, cannot_run

DOCUMENT = (ROOT / "docs/clients.md").read_text()
EXAMPLE = re.compile(r"^```(python|sh|js)\n(.*?)^```\n\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLES = EXAMPLE.findall(DOCUMENT)


def examples(language: str) -> pytest.MarkDecorator:
    """(code, output) of the examples in a language."""
    found = [example[1:] for example in EXAMPLES if example[0] == language]
    return pytest.mark.parametrize(("code", "expected"), found, ids=range(1, len(found) + 1))


def test_every_example_is_run_or_has_nothing_to_print() -> None:
    blocks = re.findall(r"^```(\w+)$", DOCUMENT, re.MULTILINE)
    assert [each for each in blocks if each not in ("text", "html")] == [example[0] for example in EXAMPLES]


@examples("python")
def test_python_prints_what_is_promised(demo: Demo, code: str, expected: str) -> None:
    if "edr" in re.findall(r'engine="(\w+)"', code):
        pytest.importorskip("edr_xarray", reason="edr-xarray does not install on this Python")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code.replace("http://localhost:5000", demo.url), {})
    assert printed.getvalue() == expected


@examples("sh")
def test_shell_prints_what_is_promised(demo: Demo, code: str, expected: str) -> None:
    if shutil.which("curl") is None:
        cannot_run("curl is not installed")
    command = ["sh", "-c", code.replace("http://localhost:5000", demo.url)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == expected.strip()


@examples("js")
def test_javascript_prints_what_is_promised(demo: Demo, node: Node, code: str, expected: str) -> None:
    assert node("-e", code.replace("http://localhost:5000", demo.url)) == expected

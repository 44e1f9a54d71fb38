"""Every example of docs/extract.md prints what stands below it, and its tables are those of the code."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from zarr_edr.extract.processor import JOB_LIMITS
from zarr_edr.jobs.settings import JobBounds

from .conftest import ROOT, Demo, cannot_run

DOCUMENT = (ROOT / "docs/extract.md").read_text()
EXAMPLES = re.findall(r"^```(python|sh)\n(.*?)^```\n\n```text\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)


def test_every_example_has_what_it_prints() -> None:
    blocks = re.findall(r"^```(\w+)$", DOCUMENT, re.MULTILINE)
    assert [each for each in blocks if each not in ("text", "yaml")] == [example[0] for example in EXAMPLES]


@pytest.mark.parametrize(("code", "expected"), [e[1:] for e in EXAMPLES if e[0] == "python"])
def test_python_prints_what_is_promised(demo: Demo, code: str, expected: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code.replace("http://localhost:5000", demo.url), {})
    assert printed.getvalue().strip() == expected.strip()


@pytest.mark.parametrize(("code", "expected"), [e[1:] for e in EXAMPLES if e[0] == "sh"])
def test_shell_prints_what_is_promised(demo: Demo, code: str, expected: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        cannot_run("curl is not installed")
    command = ["sh", "-c", code.replace("http://localhost:5000", demo.url)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=100)
    assert ran.stdout.strip() == expected.strip()


@pytest.mark.parametrize("field", fields(JobBounds), ids=lambda f: f.name)
def test_every_bound_of_jobs_is_documented(field: object) -> None:
    assert f"| `{field.name}` | " in DOCUMENT  # type: ignore[attr-defined]  # a field of a dataclass
    assert field.metadata["help"] in DOCUMENT  # type: ignore[attr-defined]  # likewise


@pytest.mark.parametrize("name", ["points", "cells", "coverages", "chunks"])
def test_limits_of_jobs_are_documented_as_they_are(name: str) -> None:
    assert f"| `{name}` | {getattr(JOB_LIMITS, name):,} |" in DOCUMENT

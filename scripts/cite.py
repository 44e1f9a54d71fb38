"""Test the service on config/cite.yml for conformance to OGC API - EDR; the results go into docs/conformance.md.

Without CITE_JAR the tests are those of tests/cite. With it, they are the official suite, ets-ogcapi-edr10 (its all-in-one
jar; needs Java 17). The exit status is 0 only if each of the 60 official tests ran and passed, and with them the other
tests in tests/cite, which go beyond the suite.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "conformance.md"
OFFICIAL = (ROOT / "tests" / "cite" / "official_tests.txt").read_text().split()
"""`Class.method` of each test."""
SUITE_S = 600
STOP_S = 60
PROPERTIES = """<properties version="1.0">
<entry key="iut">{url}</entry><entry key="apiDefinition">{url}/openapi</entry><entry key="noofcollections">100</entry>
</properties>"""
"""Without a DOCTYPE: the suite would fetch its DTD from the internet."""
STATUS = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}

Results = dict[str, str]
"""passed, failed, skipped or not run, by `Class.method`."""


def main() -> int:
    jar = os.environ.get("CITE_JAR")
    with tempfile.TemporaryDirectory(prefix="cite-") as folder:
        ok, found = run_official(Path(jar).resolve(), Path(folder)) if jar else run_port(Path(folder))
    results = dict.fromkeys(OFFICIAL, "not run") | found
    write("official" if jar else "port", Path(jar).name if jar else "tests/cite", results)
    wrong = [f"{name} {result}" for name, result in results.items() if result != "passed"]
    print(f"cite: {len(results) - len(wrong)} of {len(results)} official tests passed", *wrong, sep="\n  ")
    return 0 if ok and not wrong and len(results) == len(OFFICIAL) else 1


def run_port(folder: Path) -> tuple[bool, Results]:
    """Whether all of tests/cite passed, which starts the service itself, and the results of the official tests in it."""
    report = folder / "results.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", "tests/cite"]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if not report.is_file():
        raise SystemExit("cite: pytest did not run")
    names = {name.lower().replace("_", ""): name for name in OFFICIAL}
    results: Results = {}
    for case in ElementTree.parse(report).iter("testcase"):
        function = case.get("name", "").partition("[")[0].removeprefix("test_")
        name = names.get(function.replace("__", ".").replace("_", ""))
        if name is not None:
            results[name] = _worst(results.get(name, "passed"), _outcome(case))
    return status == 0, results


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def _worst(*outcomes: str) -> str:
    return next(outcome for outcome in ("failed", "skipped", "passed") if outcome in outcomes)


def run_official(jar: Path, folder: Path) -> tuple[bool, Results]:
    """Whether the official suite ended well, on a server that runs as long, and its results."""
    properties = folder / "properties.xml"
    with served() as url:
        properties.write_text(PROPERTIES.format(url=url))
        command = ["java", f"-Djava.io.tmpdir={folder}", "-jar", str(jar), "-o", str(folder), str(properties)]
        try:
            ended = subprocess.run(
                command,
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=SUITE_S,
                check=False,
            )
        except FileNotFoundError:
            raise SystemExit("cite: there is no java; the suite needs Java 17") from None
    reports = sorted(folder.glob("testng/*/testng-results.xml"))
    if not reports:
        raise SystemExit(f"cite: the suite left no results:\n{ended.stdout[-3000:]}")
    return ended.returncode == 0, read_testng(reports[0])


def read_testng(report: Path) -> Results:
    """Results in a report of TestNG; what did not pass is printed with its reason."""
    results: Results = {}
    for group in ElementTree.parse(report).iter("class"):
        for method in group.iter("test-method"):
            name = f"{group.get('name', '').rpartition('.')[2]}.{method.get('name')}"
            outcome = STATUS.get(method.get("status", ""), "failed")
            if outcome != "passed":
                print(f"{name}: {(method.findtext('.//message') or '').strip()[:500]}")
            if method.get("is-config") != "true":
                results[name] = _worst(results.get(name, "passed"), outcome)
    return results


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The service on a free port of loopback: its address."""
    command = [sys.executable, "-m", "zarr_edr", "serve", "config/cite.yml", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            if address is None:
                raise SystemExit("cite: the service did not start")
            threading.Thread(target=server.stdout.read, daemon=True).start()  # its log; a full pipe would stop it
            yield address[0]
        finally:
            server.terminate()
            try:
                server.wait(STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()


def write(part: str, tested_by: str, results: Results) -> None:
    """Put a table of the results between the markers of this part of the document."""
    text = DOCUMENT.read_text()
    markers = f"<!-- {part}: written by scripts/cite.py -->", f"<!-- end of {part} -->"
    before, start, rest = text.partition(markers[0])
    _, end, after = rest.partition(markers[1])
    if not (start and end):
        raise SystemExit(f"cite: {DOCUMENT.name} lacks the markers {markers[0]} and {markers[1]}")
    DOCUMENT.write_text(f"{before}{start}\n{table(tested_by, results)}\n{end}{after}")


def table(tested_by: str, results: Results) -> str:
    """Day, counts and one row for each class of tests."""
    counts = [
        f"{sum(r == result for r in results.values())} {result}"
        for result in ("passed", "failed", "skipped", "not run")
    ]
    today = datetime.datetime.now(datetime.UTC).date()
    rows = [
        f"`{tested_by}`, {today}: **{', '.join(counts)}**.",
        "",
        "| tests of | passed | not passed |",
        "|---|---|---|",
    ]
    for group in dict.fromkeys(name.partition(".")[0] for name in results):
        tests = {name.partition(".")[2]: r for name, r in results.items() if name.startswith(f"{group}.")}
        wrong = ", ".join(f"{test} ({r})" for test, r in tests.items() if r != "passed")
        rows.append(f"| {group} | {sum(r == 'passed' for r in tests.values())} of {len(tests)} | {wrong} |")
    return "\n".join(rows)


sys.exit(main())

"""Requests that mean harm, or were mangled on the way: each gets a 4xx with a sentence, or right data; the process lives on."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

WOA = "/collections/woa/position"
GOOD = {"coords": "POINT(-30 0)", "z": "100", "datetime": "0000-01"}

COORDS = {
    "empty": "",
    "blank": "  ",
    "no parentheses": "POINT",
    "no numbers": "POINT()",
    "EMPTY": "POINT EMPTY",
    "one number": "POINT(1)",
    "five numbers": "POINT(1 2 3 4 5)",
    "comma": "POINT(1,2)",
    "two points": "POINT(1 2,3 4)",
    "unclosed": "POINT(1 2",
    "closed twice": "POINT(1 2))",
    "trailing": "POINT(1 2) POINT(3 4)",
    "nan": "POINT(nan 1)",
    "inf": "POINT(inf 1)",
    "overflow": "POINT(1e400 0)",
    "hex": "POINT(0x10 0)",
    "underscore": "POINT(1_0 0)",
    "arabic-indic digits": "POINT(١ ٢)",  # noqa: RUF001  # the lookalikes are the test
    "full-width digits": "POINT(１ ２)",  # noqa: RUF001  # the lookalikes are the test
    "NUL": "POINT(1 2\x00)",
    "latitude 91": "POINT(0 91)",
    "latitude first": "POINT(50 170)",
    "longitude in metres": "POINT(1113194 50)",
    "huge": "POINT(1e300 0)",
    "linestring": "LINESTRING(0 0,1 1)",
    "polygon": "POLYGON((0 0,1 0,1 1,0 0))",
    "collection": "GEOMETRYCOLLECTION(POINT(1 2))",
    "unknown type": "BLOB(1 2)",
    "SRID": "SRID=4326;POINT(1 2)",
    "M": "POINT M(1 2 3)",
    "ragged": "MULTIPOINT((1 2),(3 4 5))",
    "hole": "MULTIPOINT((1 2),,(3 4))",
    "empty multipoint": "MULTIPOINT()",
    "nested": "(" * 5000 + "1 2" + ")" * 5000,
    "nested collection": "GEOMETRYCOLLECTION(" * 300 + "POINT(1 2)" + ")" * 300,
    "commas": "MULTIPOINT(" + "," * 5000 + ")",
    "minus signs": "POINT(" + "-" * 5000 + "1 2)",
    "digits": "POINT(" + "1" * 5000 + " 2)",
    "dots": "POINT(1.2.3 4)",
    "exponent": "POINT(1e 2)",
    "script": "<script>alert(1)</script>",
    "sql": "POINT(1 2); DROP TABLE x",
    "path": "../../etc/passwd",
    "template": "{{7*7}}",
    "JSON": '{"type":"Point","coordinates":[1,2]}',
    "surrogate": "POINT(1 2)\ud800",
}
DATETIMES = {
    "empty": "",
    "word": "yesterday",
    "digits": "99999999999999999999",
    "three parts": "2000/2001/2002",
    "slashes": "//",
    "dots": "..",
    "month 13": "2009-13-01",
    "day 32": "2009-02-32",
    "30 February": "2009-02-30",
    "hour 25": "2009-01-01T25:00:00Z",
    "offset 99": "2009-01-01T00:00:00+99:99",
    "reversed": "2010/2009",
    "commas": "," * 5000,
    "negative repeat": "R-1/2009-01-01T00:00:00Z/P1D",
    "endless repeat": "R999999999/2009-01-01T00:00:00Z/PT1S",
    "no step": "R3/2009-01-01T00:00:00Z/P0D",
    "huge step": "R3/2009-01-01T00:00:00Z/P99999999999Y",
    "NUL": "2009\x00",
    "script": "<script>",
}
LEVELS = {
    "empty": "",
    "word": "deep",
    "nan": "nan",
    "inf": "inf",
    "overflow": "1e400",
    "three parts": "1/2/3",
    "slash": "/",
    "endless repeat": "R999999999/0/1",
    "no step": "R3/0/0",
    "commas": "," * 5000,
    "hex": "0x10",
    "NUL": "1\x00",
}
OTHERS = {
    "unknown parameter": {"parameter-name": "nope"},
    "empty parameter": {"parameter-name": ""},
    "one unknown": {"parameter-name": "TEMP,nope"},
    "blank among names": {"parameter-name": "TEMP,"},
    "long name": {"parameter-name": "x" * 5000},
    "dunder": {"parameter-name": "__class__"},
    "format": {"f": "exe"},
    "format path": {"f": "../../x"},
    "crs": {"crs": "EPSG:99999"},
    "crs script": {"crs": "<script>"},
    "misspelt": {"cords": "POINT(1 2)"},
    "no such dimension": {"number": "1"},
    "twice in two spellings": {"parameter-name": "TEMP", "parameter_names": "TEMP"},
    "limit of another query": {"within": "10"},
}


def cases() -> dict[str, dict[str, str]]:
    found = {f"coords {name}": {**GOOD, "coords": value} for name, value in COORDS.items()}
    found |= {f"datetime {name}": {**GOOD, "datetime": value} for name, value in DATETIMES.items()}
    found |= {f"z {name}": {**GOOD, "z": value} for name, value in LEVELS.items()}
    return found | {name: {**GOOD, **extra} for name, extra in OTHERS.items()}


def query_string(parameters: dict[str, str]) -> str:
    return "&".join(f"{quote(k)}={quote(v, errors='surrogatepass')}" for k, v in parameters.items())


@pytest.mark.parametrize("parameters", cases().values(), ids=cases())
def test_a_hostile_query_is_refused_with_a_sentence(client: FlaskClient, parameters: dict[str, str]) -> None:
    response = client.get(f"{WOA}?{query_string(parameters)}")
    assert 400 <= response.status_code < 500
    assert {"code", "description"} <= response.get_json().keys()
    assert "Traceback" not in response.text


RIGHT = {
    "lower case": "point(-30 0)",
    "no space before Z": "POINTZ(-30 0 100)",
    "line breaks": "POINT(\r\n-30\t0\n)",
    "plus": "POINT(+330 0)",
    "many turns": "POINT(3570 0)",
    "exponents": "POINT(-3e1 0e0)",
    "many decimals": "POINT(-30.000000000000000000000000000000000000001 0)",
}


@pytest.mark.parametrize("coords", RIGHT.values(), ids=RIGHT)
def test_an_odd_but_right_query_is_answered_with_the_same_values(client: FlaskClient, coords: str) -> None:
    expected = client.get(f"{WOA}?{query_string(GOOD)}").get_json(force=True)["ranges"]
    found = client.get(f"{WOA}?{query_string({**GOOD, 'coords': coords})}").get_json(force=True)["ranges"]
    assert found == expected


PATHS = [
    "/collections/%2e%2e/position",
    "/collections//position",
    "/collections/woa%00/position",
    "/collections/woa/../../etc/position",
    "/collections/" + "x" * 5000,
]


@pytest.mark.parametrize("path", PATHS, ids=["dots", "double slash", "NUL", "traversal", "long"])
def test_a_hostile_path_leads_nowhere(client: FlaskClient, path: str) -> None:
    assert client.get(path, query_string=GOOD).status_code in (308, 400, 404)


def test_a_parameter_given_twice_is_refused(client: FlaskClient) -> None:
    assert client.get(f"{WOA}?coords=POINT(1 2)&coords=POINT(3 4)").status_code == 400


def test_the_list_is_long_enough() -> None:
    assert len(cases()) >= 80

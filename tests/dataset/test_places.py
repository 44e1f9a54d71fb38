"""Named places from GeoJSON and CSV files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zarr_edr.dataset import places as module
from zarr_edr.dataset.model import Place
from zarr_edr.dataset.places import read_places
from zarr_edr.errors import ConfigurationError
from zarr_edr.query.geometry import Points, Polygon

SQUARE = [[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]
HOLE = [[0.5, 0.2], [1, 0.2], [1, 0.8], [0.5, 0.2]]


def geojson(folder: Path, *features: Any) -> Path:
    path = folder / "places.geojson"
    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features}))
    return path


def feature(geometry: Any = None, properties: Any = None, **more: Any) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [-64.75, 32.3]}
    return {"type": "Feature", "geometry": geometry or point, "properties": properties, **more}


def csv(folder: Path, text: str) -> Path:
    path = folder / "places.csv"
    path.write_text(text, encoding="utf-8")
    return path


def only(places: dict[str, Place]) -> Place:
    (place,) = places.values()
    return place


def polygons(folder: Path, kind: str, coordinates: Any) -> tuple[Polygon, ...]:
    path = geojson(folder, feature({"type": kind, "coordinates": coordinates}, {"name": "a"}))
    geometry = only(read_places(path)).geometry
    assert not isinstance(geometry, Points)
    return geometry


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read_places(path)
    assert raised.value.message.endswith(".")
    return raised.value.message


class TestGeoJson:
    def test_a_point_is_a_place(self, tmp_path: Path) -> None:
        place = only(read_places(geojson(tmp_path, feature(properties={"name": "Bermuda"}, id="bda"))))
        assert isinstance(place.geometry, Points)
        assert (place.id, place.label) == ("bda", "Bermuda")
        assert (place.geometry.x.tolist(), place.geometry.y.tolist(), place.geometry.multi) == ([-64.75], [32.3], False)

    @pytest.mark.parametrize("key", ["name", "label", "title"])
    def test_the_label_makes_the_id_where_there_is_none(self, tmp_path: Path, key: str) -> None:
        place = only(read_places(geojson(tmp_path, feature(properties={key: "Gulf of Guinea"}))))
        assert (place.id, place.label) == ("Gulf-of-Guinea", "Gulf of Guinea")

    def test_the_id_of_the_properties_counts_too(self, tmp_path: Path) -> None:
        assert list(read_places(geojson(tmp_path, feature(properties={"id": 7, "name": "A"})))) == ["7"]

    def test_a_number_is_an_id(self, tmp_path: Path) -> None:
        assert list(read_places(geojson(tmp_path, feature(id=12)))) == ["12"]

    def test_further_properties_are_kept(self, tmp_path: Path) -> None:
        place = only(read_places(geojson(tmp_path, feature(properties={"name": "A", "depth": 5, "tags": ["x"]}))))
        assert place.properties == {"depth": 5, "tags": ["x"]}

    def test_the_order_is_that_of_the_file(self, tmp_path: Path) -> None:
        assert list(read_places(geojson(tmp_path, *(feature(id=i) for i in "cab")))) == ["c", "a", "b"]

    def test_a_height_is_left_out(self, tmp_path: Path) -> None:
        place = only(read_places(geojson(tmp_path, feature({"type": "Point", "coordinates": [1, 2, 30]}, id="a"))))
        assert isinstance(place.geometry, Points)
        assert place.geometry.z is None

    def test_a_byte_order_mark_is_no_matter(self, tmp_path: Path) -> None:
        path = geojson(tmp_path, feature(id="a"))
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert list(read_places(path)) == ["a"]

    def test_a_polygon_has_its_rings(self, tmp_path: Path) -> None:
        (polygon,) = polygons(tmp_path, "Polygon", [SQUARE, HOLE[::-1]])
        assert [ring.tolist() for ring in polygon.rings] == [SQUARE, HOLE[::-1]]

    def test_a_multipolygon_has_all_of_its_polygons(self, tmp_path: Path) -> None:
        assert len(polygons(tmp_path, "MultiPolygon", [[SQUARE], [HOLE]])) == 2

    def test_rings_are_turned_as_rfc_7946_wants_them(self, tmp_path: Path) -> None:
        (polygon,) = polygons(tmp_path, "Polygon", [SQUARE[::-1], HOLE])
        assert [ring.tolist() for ring in polygon.rings] == [SQUARE, HOLE[::-1]]


class TestCsv:
    def test_a_row_is_a_place(self, tmp_path: Path) -> None:
        place = only(read_places(csv(tmp_path, "id,name,longitude,latitude,ocean\nbda,Bermuda,-64.75,32.3,Atlantic\n")))
        assert isinstance(place.geometry, Points)
        assert (place.id, place.label, place.properties) == ("bda", "Bermuda", {"ocean": "Atlantic"})
        assert (place.geometry.x.tolist(), place.geometry.y.tolist()) == ([-64.75], [32.3])

    @pytest.mark.parametrize("header", ["name,lon,lat", "label,x,y", "Title,LON,Latitude", "id, lon , lat"])
    def test_columns_go_by_several_names(self, tmp_path: Path, header: str) -> None:
        assert list(read_places(csv(tmp_path, f"{header}\nA,1,2\n"))) == ["A"]

    def test_quotes_hold_commas(self, tmp_path: Path) -> None:
        place = only(read_places(csv(tmp_path, 'name,lon,lat\n"Azores, Portugal",-28,38\n')))
        assert (place.id, place.label) == ("Azores-Portugal", "Azores, Portugal")

    def test_blank_lines_and_windows_line_ends_are_no_matter(self, tmp_path: Path) -> None:
        assert list(read_places(csv(tmp_path, "\ufeffname,lon,lat\r\n\r\nA,1,2\r\n,,\r\nB,3,4\r\n"))) == ["A", "B"]


class TestIds:
    @pytest.mark.parametrize(
        ("written", "plain"),
        [
            ("Gulf of Guinea", "Gulf-of-Guinea"),
            ("São Tomé", "Sao-Tome"),
            ("a/b", "a-b"),
            ("a,b", "a-b"),
            ("http://x.org/1?q#f", "http-x.org-1-q-f"),
            ("../etc/passwd", "etc-passwd"),
            ("<script>", "script"),
            ("a_b.c-d", "a_b.c-d"),
            ("%2e%2e", "2e-2e"),
        ],
    )
    def test_ids_become_plain(self, tmp_path: Path, written: str, plain: str) -> None:
        assert list(read_places(geojson(tmp_path, feature(id=written)))) == [plain]

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(max_size=40))
    def test_any_text_makes_a_plain_id_or_is_refused(self, tmp_path: Path, written: str) -> None:
        path = tmp_path / "places.geojson"
        document = {"type": "FeatureCollection", "features": [feature(id="", properties={"name": written})]}
        try:
            path.write_bytes(orjson.dumps(document))
            found = list(read_places(path))
        except (ConfigurationError, TypeError):  # orjson writes no lone surrogates
            return
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", found[0])

    def test_two_of_one_id_are_refused(self, tmp_path: Path) -> None:
        message = refusal(geojson(tmp_path, feature(id="a b"), feature(id="a-b")))
        assert "feature 2" in message
        assert "'a-b'" in message


def rings(*ring: Any) -> dict[str, Any]:
    return feature({"type": "Polygon", "coordinates": list(ring)}, id="a")


def at(*coordinates: Any) -> dict[str, Any]:
    return feature({"type": "Point", "coordinates": list(coordinates)}, id="a")


BAD_FEATURES: dict[str, tuple[Any, str]] = {
    "a number": (5, "Feature"),
    "no type": ({"geometry": None}, "Feature"),
    "no geometry": (feature({"type": None}, id="a"), "Point, Polygon or MultiPolygon"),
    "a line": (feature({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, id="a"), "Point, Polygon"),
    "many points": (feature({"type": "MultiPoint", "coordinates": [[0, 0]]}, id="a"), "Point, Polygon"),
    "no polygons": (feature({"type": "MultiPolygon", "coordinates": []}, id="a"), "Point, Polygon"),
    "no coordinates": (feature({"type": "Point"}, id="a"), "position"),
    "one coordinate": (at(1), "[longitude, latitude]"),
    "text": (at("1", "2"), "two numbers"),
    "true": (at(True, 2), "two numbers"),
    "null": (at(None, 2), "two numbers"),
    "latitude first": (at(5, 100), "longitude comes first"),
    "metres": (at(500_000, 10), "no place on Earth"),
    "a huge number": (at(1e308, 1), "two numbers"),
    "an open ring": (rings(SQUARE[:-1]), "the last one is the first again"),
    "a short ring": (rings([[0, 0], [1, 1], [0, 0]]), "four positions"),
    "a flat ring": (rings([[0, 0], [1, 1], [2, 2], [0, 0]]), "encloses nothing"),
    "no ring": (rings(), "list of rings"),
    "an empty ring": (rings([]), "positions are missing"),
    "rings too deep": (rings([[SQUARE]]), "two numbers"),
    "no id": (feature(), "no id"),
    "a blank id": (feature(id=" ", properties={"name": ""}), "no id"),
    "an id of signs": (feature(id="///"), "does not make an id"),
    "an id of another script": (feature(id="東京"), "does not make an id"),
    "a long id": (feature(id="a" * 101), "100"),
    "properties as a list": (feature(id="a", properties=[1]), "`properties`"),
}


@pytest.mark.parametrize(("bad", "says"), BAD_FEATURES.values(), ids=BAD_FEATURES)
def test_a_bad_feature_is_named_with_what_is_right(tmp_path: Path, bad: Any, says: str) -> None:
    message = refusal(geojson(tmp_path, feature(id="good"), bad))
    assert "places.geojson, feature 2" in message
    assert says in message
    assert len(message) < 400 + len(str(tmp_path))


BAD_CSV: dict[str, tuple[str, str]] = {
    "empty": ("", "no column"),
    "no longitude": ("name,lat\nA,1\n", "no column longitude"),
    "no latitude": ("name,lon\nA,1\n", "no column latitude"),
    "no name": ("lon,lat\n1,2\n", "no column id or name"),
    "semicolons": ("name;lon;lat\nA;1;2\n", "separated by commas"),
    "two columns of one name": ("name,lon,lat,lat\nA,1,2,3\n", "names that differ"),
    "a column without a name": ("name,lon,lat,\nA,1,2,3\n", "need names"),
    "a value too few": ("name,lon,lat\nA,1\n", "line 2 has 2 values for 3 columns"),
    "a value too many": ("name,lon,lat\nA,1,2,3\n", "line 2 has 4 values"),
    "a word for a number": ("name,lon,lat\nA,east,2\n", "'east'"),
    "decimal commas": ('name,lon,lat\nA,"1,5",2\n', "'1,5'"),
    "nan": ("name,lon,lat\nA,nan,2\n", "'nan'"),
    "latitude first": ("name,lon,lat\nA,2,100\n", "no place on Earth"),
    "no name in a row": ("name,lon,lat\nA,1,2\n,3,4\n", "line 3"),
    "an open quote": ('name,lon,lat\n"A,1,2\n', "line 2"),
    "no rows": ("name,lon,lat\n", "no places"),
}


@pytest.mark.parametrize(("text", "says"), BAD_CSV.values(), ids=BAD_CSV)
def test_a_bad_table_is_refused_with_the_line(tmp_path: Path, text: str, says: str) -> None:
    message = refusal(csv(tmp_path, text))
    assert "places.csv" in message
    assert says in message


BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "no JSON": ("a.geojson", b'{"type": }', "line 1"),
    "NaN": ("a.geojson", b'{"type":"FeatureCollection","features":[NaN]}', "not JSON"),
    "too deep": ("a.geojson", b"[" * 100_000, "not JSON"),
    "a list": ("a.json", b"[]", "FeatureCollection"),
    "one feature": ("a.json", b'{"type":"Feature","features":[]}', "FeatureCollection"),
    "no features": ("a.json", b'{"type":"FeatureCollection"}', "FeatureCollection"),
    "none": ("a.json", b'{"type":"FeatureCollection","features":[]}', "no places"),
    "another kind": ("a.shp", b"", ".geojson"),
    "not UTF-8": ("a.csv", b"name,lon,lat\n\xff,1,2\n", "UTF-8"),
}


@pytest.mark.parametrize(("name", "data", "says"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_holds_no_places_is_refused(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    message = refusal(path)
    assert name in message
    assert says in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "places.csv" in refusal(tmp_path / "places.csv")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").mkdir()
    assert "a.geojson" in refusal(tmp_path / "a.geojson")


def test_the_number_of_places_is_bounded(tmp_path: Path) -> None:
    rows = "".join(f"p{i},1,2\n" for i in range(module.MAX_PLACES + 1))
    assert "10,000" in refusal(csv(tmp_path, "name,lon,lat\n" + rows))


def test_the_size_of_the_file_is_bounded(tmp_path: Path) -> None:
    assert "larger" in refusal(csv(tmp_path, "name,lon,lat\n" + " " * module.MAX_BYTES))

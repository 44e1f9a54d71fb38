"""What the service says of its collections: by the schemas of the standard, by the data, and as clients in use need it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import xarray as xr
from flask.testing import FlaskClient

from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection, Unit, VerticalAxis
from zarr_edr.dataset.source import open_group
from zarr_edr.query.model import RepeatingInterval
from zarr_edr.query.temporal import parse_datetime
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.edr_schema import edr_problems, edr_validator
from zarr_edr.web import extent, metadata
from zarr_edr.web.service import Service

SHARED = Path(__file__).parents[2] / "../shared"
VERSIONS = ("edr-1.1", "edr-1.2-oas30", "edr-1.2-oas31")
COLLECTIONS = ("ostia", "woa", "era5ens", "seasonal", "a1b")
SERVICE = Service("http://example.org", "Data", "Data")
DAY_US = 86_400_000_000


def get(client: FlaskClient, path: str) -> dict[str, Any]:
    response = client.get(f"{path}?f=json")
    assert response.status_code == 200
    found: dict[str, Any] = response.get_json()
    return found


def problems(document: Any, version: str, name: str) -> list[str]:
    folder = (SHARED / "schemas" / version).resolve()
    if not folder.exists():
        pytest.skip(f"the schemas {version} are not here")
    return edr_problems(document, edr_validator(folder, name))


def real(name: str) -> str:
    path = (SHARED / "data" / f"{name}.zarr").resolve()
    if not path.exists():
        pytest.skip(f"the real dataset {name} is not here")
    return str(path)


def described(store: str) -> Collection:
    return describe(open_group(store), "s", None, None, CollectionSettings(data=store))


def document(store: str) -> dict[str, Any]:
    return metadata.collection(SERVICE, described(store))


def written(folder: Path, times: Any = (0,), lon: Any = (0.0, 1.0, 2.0), **attributes: Any) -> dict[str, Any]:
    """The document of a small store of one variable on time, lat and lon."""
    dataset = xr.Dataset(
        {"v": (("time", "lat", "lon"), np.zeros((len(times), 2, len(lon)), "f4"), attributes)},
        coords={
            "time": ("time", np.asarray(times), {"units": "hours since 2000-01-01"}),
            "lat": ("lat", [50.0, 51.0], {"units": "degrees_north"}),
            "lon": ("lon", np.asarray(lon), {"units": "degrees_east"}),
        },
    )
    dataset.to_zarr(folder / "s.zarr", consolidated=False)
    return document(str(folder / "s.zarr"))


@pytest.mark.parametrize("version", VERSIONS)
class TestSchemas:
    @pytest.mark.parametrize("id_", COLLECTIONS)
    def test_every_collection_is_valid(self, client: FlaskClient, version: str, id_: str) -> None:
        assert problems(get(client, f"/collections/{id_}"), version, "collections/collection.yaml") == []

    def test_the_list_of_collections_is_valid(self, client: FlaskClient, version: str) -> None:
        assert problems(get(client, "/collections"), version, "collections/collections.yaml") == []

    def test_the_list_of_instances_is_valid(self, client: FlaskClient, version: str) -> None:
        assert problems(get(client, "/collections/seasonal/instances"), version, "queries/instances.yaml") == []

    def test_an_instance_is_valid(self, client: FlaskClient, version: str) -> None:
        found = get(client, "/collections/seasonal/instances/20160201T0000Z")
        assert problems(found, version, "collections/collection.yaml") == []

    def test_every_parameter_is_valid(self, client: FlaskClient, version: str) -> None:
        for id_ in COLLECTIONS:
            for parameter in get(client, f"/collections/{id_}")["parameter_names"].values():
                assert problems(parameter, version, "collections/parameterNames.yaml") == []

    def test_a_collection_that_lacks_something_is_not_valid(self, client: FlaskClient, version: str) -> None:
        found = get(client, "/collections/ostia")
        for name in ("crs", "extent", "data_queries"):
            incomplete = {key: value for key, value in found.items() if key != name}
            assert problems(incomplete, version, "collections/collection.yaml")

    def test_the_landing_page_is_valid(self, client: FlaskClient, version: str) -> None:
        assert problems(get(client, "/"), version, "core/landingPage.yaml") == []

    def test_the_conformance_declaration_is_valid(self, client: FlaskClient, version: str) -> None:
        assert problems(get(client, "/conformance"), version, "core/confClasses.yaml") == []


class TestConsistency:
    def test_a_collection_is_the_same_in_the_list(self, client: FlaskClient) -> None:
        for listed in get(client, "/collections")["collections"]:
            assert listed == get(client, f"/collections/{listed['id']}")

    def test_an_instance_is_the_same_in_the_list(self, client: FlaskClient) -> None:
        path = "/collections/seasonal/instances"
        for listed in get(client, path)["instances"]:
            assert listed == get(client, f"{path}/{listed['id']}")

    def test_instances_differ_in_their_times_alone(self, client: FlaskClient) -> None:
        extents = [run["extent"] for run in get(client, "/collections/seasonal/instances")["instances"]]
        assert len({tuple(e.pop("temporal")["values"]) for e in extents}) == len(extents) == 8
        assert all(e == extents[0] for e in extents)

    def test_the_collection_has_the_extent_of_its_latest_run(self, client: FlaskClient) -> None:
        latest = get(client, "/collections/seasonal/instances")["instances"][-1]
        assert get(client, "/collections/seasonal")["extent"] == latest["extent"]

    def test_every_link_has_relation_type_and_title(self, client: FlaskClient) -> None:
        for path in ("/", "/collections", "/collections/seasonal", "/collections/seasonal/instances"):
            for link in get(client, path)["links"]:
                assert all(link[key] for key in ("href", "rel", "type", "title"))

    def test_every_link_within_the_service_leads_somewhere(self, client: FlaskClient) -> None:
        paths = ("/", "/conformance", "/collections", "/collections/seasonal/instances/20160201T0000Z")
        for link in (link for path in paths for link in get(client, path)["links"]):
            assert client.get(link["href"].removeprefix("http://localhost:5000")).status_code in {200, 400}

    def test_queries_are_linked_and_described_alike(self, client: FlaskClient) -> None:
        found = get(client, "/collections/seasonal")
        linked = {link["href"] for link in found["links"]}
        assert {entry["link"]["href"] for entry in found["data_queries"].values()} <= linked


class TestDescribedAsTheDataAre:
    @pytest.mark.parametrize("name", ["air", "ostia", "woa", "era5ens", "ukmo_seas", "a1b360"])
    def test_the_box_holds_all_cells_and_no_more(self, name: str) -> None:
        west, south, east, north = document(real(name))["extent"]["spatial"]["bbox"][0]
        with xr.open_zarr(real(name), chunks=None, decode_times=False, decode_timedelta=False) as dataset:
            names = ("longitude", "latitude") if "longitude" in dataset else ("lon", "lat")
            x, y = (dataset[each].values.astype("f8") for each in names)
        half_x, half_y = abs(x[1] - x[0]) / 2, abs(y[1] - y[0]) / 2
        assert south == pytest.approx(max(y.min() - half_y, -90), abs=1e-5)
        assert north == pytest.approx(min(y.max() + half_y, 90), abs=1e-5)
        if np.ptp(x) + 2 * half_x > 360 - 1e-3:
            assert (west, east) == (-180, 180)
        else:
            assert (west % 360, east % 360) == pytest.approx(((x.min() - half_x) % 360, (x.max() + half_x) % 360))

    @pytest.mark.parametrize(("name", "time"), [("air", "time"), ("ostia", "time"), ("era5ens", "valid_time")])
    def test_times_are_those_of_xarray(self, name: str, time: str) -> None:
        temporal = document(real(name))["extent"]["temporal"]
        with xr.open_zarr(real(name), chunks=None, decode_timedelta=False) as dataset:
            expected = [f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in dataset[time].to_index()]
        assert temporal["interval"] == [[expected[0], expected[-1]]]
        assert len(temporal["values"]) == len(expected) or temporal["values"] == [f"R2920/{expected[0]}/PT6H"]

    def test_levels_are_text_in_the_order_of_the_data(self) -> None:
        vertical = document(real("era5ens"))["extent"]["vertical"]
        assert (vertical["interval"], vertical["values"]) == ([["500", "850"]], ["850", "500"])

    def test_members_of_an_ensemble_are_a_custom_extent(self) -> None:
        (custom,) = document(real("era5ens"))["extent"]["custom"]
        assert (custom["id"], custom["interval"]) == ("number", [["0", "9"]])
        assert custom["values"] == [str(i) for i in range(10)]
        assert custom["reference"] == "http://vocab.nerc.ac.uk/standard_name/realization"

    def test_another_calendar_is_named(self) -> None:
        trs = document(real("a1b360"))["extent"]["temporal"]["trs"]
        assert pyproj.CRS.from_wkt(trs).type_name == "Temporal CRS"
        assert 'CALENDAR["360_day"]' in trs

    @pytest.mark.parametrize("name", ["era5ens", "woa"])
    def test_the_vertical_reference_is_wkt(self, name: str) -> None:
        assert pyproj.CRS.from_wkt(document(real(name))["extent"]["vertical"]["vrs"])


class TestExtent:
    def test_a_box_across_the_antimeridian_has_west_above_east(self, tmp_path: Path) -> None:
        west, _, east, _ = written(tmp_path, lon=(175.0, 180.0, 185.0))["extent"]["spatial"]["bbox"][0]
        assert (west, east) == (172.5, -172.5)

    def test_a_box_that_does_not_cross_has_west_below_east(self, tmp_path: Path) -> None:
        west, _, east, _ = written(tmp_path, lon=(340.0, 350.0, 360.0))["extent"]["spatial"]["bbox"][0]
        assert (west, east) == (-25.0, 5.0)

    @pytest.mark.parametrize(("hours", "calendar"), [(-4_000_000, 'CALENDAR["standard"]'), (0, "Gregorian Calendar")])
    def test_the_standard_calendar_is_named_where_it_was_not_gregorian(
        self, tmp_path: Path, hours: int, calendar: str
    ) -> None:
        trs = written(tmp_path, [hours, 1])["extent"]["temporal"]["trs"]
        assert pyproj.CRS.from_wkt(trs).type_name == "Temporal CRS"
        assert calendar in trs

    def test_a_thousand_times_are_listed(self, tmp_path: Path) -> None:
        assert len(written(tmp_path, range(1000))["extent"]["temporal"]["values"]) == 1000

    def test_more_times_are_repeated_where_they_are_regular(self, tmp_path: Path) -> None:
        values = written(tmp_path, range(0, 6006, 6))["extent"]["temporal"]["values"]
        assert values == ["R1001/2000-01-01T00:00:00Z/PT6H"]

    def test_more_times_are_listed_where_they_are_not_regular(self, tmp_path: Path) -> None:
        assert len(written(tmp_path, [*range(1000), 2000])["extent"]["temporal"]["values"]) == 1001

    @pytest.mark.parametrize("us", [1, 500_000, 60_000_000, 3600_000_000, DAY_US, 31 * DAY_US + 12_345_678])
    def test_a_duration_reads_back(self, us: int) -> None:
        (member,) = parse_datetime(f"R2/2000-01-01T00:00:00Z/{extent.duration(us)}")
        assert isinstance(member, RepeatingInterval)
        assert (member.step.months, member.step.microseconds) == (0, us)

    @pytest.mark.parametrize("step", [0.1, 0.25, 1 / 3, 5 / 6, 1.875, -2.5])
    def test_evenly_spaced_numbers_read_back_from_start_and_step(self, step: float) -> None:
        values = np.array([-20.0 + step * i for i in range(50)])
        text = extent.repeating_numbers(values)
        assert text is not None
        count, first, by = (float(part) for part in text.removeprefix("R").split("/"))
        np.testing.assert_allclose(first + by * np.arange(count), values, atol=1e-6 * abs(step))

    def test_unevenly_spaced_numbers_are_not_repeated(self) -> None:
        assert extent.repeating_numbers(np.array([0.0, 1.0, 2.001])) is None

    @pytest.mark.parametrize("unit", [Unit("m", "m"), Unit("hPa", "hPa"), Unit("", None), Unit('odd "unit"', None)])
    @pytest.mark.parametrize("positive", ["up", "down", None])
    def test_any_vertical_axis_has_a_reference_in_wkt(self, unit: Unit, positive: str | None) -> None:
        axis = VerticalAxis("z", np.array([1.0, 2.0]), unit, positive, 'a "title"')
        assert pyproj.CRS.from_wkt(extent.vertical_reference(axis))


class TestParameters:
    @pytest.mark.parametrize(
        ("cell_methods", "method"),
        [
            ("time: mean (interval: 6 hour)", "mean"),
            ("month: year: mean", "mean"),
            ("area: mean time: maximum", "maximum"),
            ("time: point", "instantaneous"),
        ],
    )
    def test_the_method_of_measurement_is_that_of_the_cells(
        self, tmp_path: Path, cell_methods: str, method: str
    ) -> None:
        parameter = written(tmp_path, cell_methods=cell_methods)["parameter_names"]["v"]
        assert parameter["measurementType"] == {"method": method}

    @pytest.mark.parametrize("cell_methods", ["area: mean", "nonsense", "(((", ""])
    def test_no_method_is_claimed_without_one_over_time(self, tmp_path: Path, cell_methods: str) -> None:
        assert "measurementType" not in written(tmp_path, cell_methods=cell_methods)["parameter_names"]["v"]

    def test_a_unit_that_is_not_ucum_is_plain_text(self, tmp_path: Path) -> None:
        assert written(tmp_path, units="furlongs")["parameter_names"]["v"]["unit"]["symbol"] == "furlongs"

    def test_parameters_on_other_grids_have_their_own_extent(self, tmp_path: Path) -> None:
        lat, lon = ("lat", [50.0, 51.0], {"units": "degrees_north"}), ("lon", [0.0, 1.0], {"units": "degrees_east"})
        time = ("time", [0, 1], {"units": "hours since 2000-01-01"})
        variables = {"v": (("time", "lat", "lon"), np.zeros((2, 2, 2))), "w": (("lat", "lon"), np.zeros((2, 2)))}
        dataset = xr.Dataset(variables, coords={"lat": lat, "lon": lon, "time": time})
        dataset.to_zarr(tmp_path / "s.zarr", consolidated=False)
        found = document(str(tmp_path / "s.zarr"))["parameter_names"]
        assert ("temporal" in found["v"]["extent"], "temporal" in found["w"]["extent"]) == (True, False)


class TestClients:
    """What the clients in use read, and how they read it."""

    def test_labels_are_as_qgis_and_edr_xarray_read_them(self, client: FlaskClient) -> None:
        for parameter in get(client, "/collections/era5ens")["parameter_names"].values():
            assert isinstance(parameter["label"], str)
            assert isinstance(parameter["description"], str)
            assert isinstance(parameter["observedProperty"]["label"]["en"], str)
            assert isinstance(parameter["unit"]["label"]["en"], str)
            assert isinstance(parameter["unit"]["symbol"]["value"], str)

    def test_coveragejson_is_the_last_format_and_the_default(self, client: FlaskClient) -> None:
        found = get(client, "/collections/ostia")
        variables = found["data_queries"]["position"]["link"]["variables"]
        assert found["output_formats"][-1] == variables["output_formats"][-1] == "CoverageJSON"
        assert variables["default_output_format"] == "CoverageJSON"

    def test_crs84_is_the_last_crs(self, client: FlaskClient) -> None:
        assert get(client, "/collections/ostia")["crs"][-1].endswith("/CRS84")

    def test_each_crs_comes_with_its_wkt(self, client: FlaskClient) -> None:
        details = get(client, "/collections/ostia")["data_queries"]["cube"]["link"]["variables"]["crs_details"]
        assert [pyproj.CRS.from_wkt(each["wkt"]).name for each in details][-1].startswith("WGS 84")

    def test_units_of_a_corridor_are_in_both_spellings(self, client: FlaskClient) -> None:
        variables = get(client, "/collections/era5ens")["data_queries"]["corridor"]["link"]["variables"]
        assert variables["width_units"] == variables["width-units"] == ["m", "km", "mi"]
        assert variables["height_units"] == variables["height-units"] == ["hPa"]

    def test_links_of_queries_have_no_query_string(self, client: FlaskClient) -> None:
        for name, entry in get(client, "/collections/ostia")["data_queries"].items():
            assert entry["link"]["href"] == f"http://localhost:5000/collections/ostia/{name}"

    def test_links_are_urls_whatever_the_id(self) -> None:
        store = str(Path(__file__).parents[2] / "data/ostia.zarr")
        found = metadata.collection(SERVICE, replace(described(store), id="a b/ü"))
        assert all("/collections/a%20b/%C3%BC" in link["href"] for link in found["links"])

    def test_times_end_in_z(self, client: FlaskClient) -> None:
        for id_ in COLLECTIONS:
            temporal = get(client, f"/collections/{id_}")["extent"]["temporal"]
            assert all(time.endswith("Z") for time in (*temporal["interval"][0], *temporal["values"]))

    def test_openapi_3_0_is_the_first_description(self, client: FlaskClient) -> None:
        links = [link for link in get(client, "/")["links"] if link["rel"] in {"service-desc", "service-doc"}]
        assert [link["type"] for link in links] == [metadata.OPENAPI_30, "text/html", metadata.OPENAPI_31]

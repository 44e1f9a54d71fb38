"""Definitions of query parameters in the API definition, as the official suite tests them.

Where the suite looks for a path that is just `/position`, which no server has, and so passes every server, these tests look
at the paths that end so. Of its tests of `z`, `within` and `corridor-*` they leave out that the parameter has to be required.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cite.conftest import Json, Site


def check_form(parameter: Json) -> None:
    assert parameter["in"] == "query"
    assert not parameter.get("explode")
    assert parameter["style"] == "form", "the style has to be written out"


def check_coords(site: Site, query: str) -> None:
    """`coords` is there in the paths of this query, and is required and text."""
    found = site.api.parameters(query, "coords")
    assert found
    for parameter in found:
        assert parameter["in"] == "query"
        assert parameter["required"] is True
        assert not parameter.get("explode")
        assert site.api.resolved(parameter["schema"])["type"] == "string"


def check_optional(site: Site, query: str, name: str) -> None:
    """A parameter that every collection takes is there, and may be left out."""
    found = site.api.parameters(query, name)
    assert found
    for parameter in found:
        check_form(parameter)
        assert not parameter.get("required")


def check_where_offered(site: Site, query: str, name: str) -> None:
    """A parameter is written as it should be in the operations that have it."""
    assert site.api.operations(query)
    for parameter in site.api.parameters(query, name):
        check_form(parameter)


def test_position_collections__position_coords_parameter_definition(site: Site) -> None:
    check_coords(site, "position")


def test_position_collections__position_date_time_parameter_definition(site: Site) -> None:
    check_optional(site, "position", "datetime")


def test_position_collections__position_parametername_parameter_definition(site: Site) -> None:
    check_optional(site, "position", "parameter-name")


def test_position_collections__position_crs_parameter_definition(site: Site) -> None:
    check_optional(site, "position", "crs")


def test_position_collections__position_f_parameter_definition(site: Site) -> None:
    check_optional(site, "position", "f")


def test_position_collections__position_z_parameter_definition(site: Site) -> None:
    check_where_offered(site, "position", "z")


def test_area_collections__area_coords_parameter_definition(site: Site) -> None:
    check_coords(site, "area")


def test_area_collections__area_date_time_parameter_definition(site: Site) -> None:
    check_optional(site, "area", "datetime")


def test_area_collections__area_parametername_parameter_definition(site: Site) -> None:
    check_optional(site, "area", "parameter-name")


def test_area_collections__area_crs_parameter_definition(site: Site) -> None:
    check_optional(site, "area", "crs")


def test_area_collections__area_f_parameter_definition(site: Site) -> None:
    check_optional(site, "area", "f")


def test_area_collections__area_z_parameter_definition(site: Site) -> None:
    check_where_offered(site, "area", "z")


def test_cube_collections__cube_bbox_parameter_definition(site: Site) -> None:
    found = site.api.parameters("cube", "bbox")
    assert found
    for parameter in found:
        assert parameter["in"] == "query"
        assert parameter["required"] is True
        assert not parameter.get("explode")
        schema = site.api.resolved(parameter["schema"])
        assert {site.api.resolved(each)["type"] for each in schema.get("oneOf", [schema])} == {"array"}


def test_cube_collections__cube_date_time_parameter_definition(site: Site) -> None:
    check_optional(site, "cube", "datetime")


def test_cube_collections__cube_parametername_parameter_definition(site: Site) -> None:
    check_optional(site, "cube", "parameter-name")


def test_cube_collections__cube_crs_parameter_definition(site: Site) -> None:
    check_optional(site, "cube", "crs")


def test_cube_collections__cube_f_parameter_definition(site: Site) -> None:
    check_optional(site, "cube", "f")


def test_cube_collections__cube_z_parameter_definition(site: Site) -> None:
    check_where_offered(site, "cube", "z")


def test_trajectory_collections__trajectory_coords_parameter_definition(site: Site) -> None:
    check_coords(site, "trajectory")


def test_trajectory_collections__trajectory_date_time_parameter_definition(site: Site) -> None:
    check_optional(site, "trajectory", "datetime")


def test_trajectory_collections__trajectory_parametername_parameter_definition(site: Site) -> None:
    check_optional(site, "trajectory", "parameter-name")


def test_trajectory_collections__trajectory_crs_parameter_definition(site: Site) -> None:
    check_optional(site, "trajectory", "crs")


def test_trajectory_collections__trajectory_f_parameter_definition(site: Site) -> None:
    check_optional(site, "trajectory", "f")


def test_trajectory_collections__trajectory_z_parameter_definition(site: Site) -> None:
    check_where_offered(site, "trajectory", "z")


def test_corridor_collections__corridor_coords_parameter_definition(site: Site) -> None:
    check_coords(site, "corridor")


def test_corridor_collections__corridor_date_time_parameter_definition(site: Site) -> None:
    check_optional(site, "corridor", "datetime")


def test_corridor_collections__corridor_parametername_parameter_definition(site: Site) -> None:
    check_optional(site, "corridor", "parameter-name")


def test_corridor_collections__corridor_crs_parameter_definition(site: Site) -> None:
    check_optional(site, "corridor", "crs")


def test_corridor_collections__corridor_f_parameter_definition(site: Site) -> None:
    check_optional(site, "corridor", "f")


def test_corridor_collections__corridor_z_parameter_definition(site: Site) -> None:
    check_where_offered(site, "corridor", "z")


def test_corridor_collections__corridor_within_parameter_definition(site: Site) -> None:
    check_where_offered(site, "corridor", "within")


def test_corridor_collections__corridor_within_units_parameter_definition(site: Site) -> None:
    check_where_offered(site, "corridor", "within-units")


def test_corridor_collections__corridor_corridor_height_parameter_definition(site: Site) -> None:
    check_where_offered(site, "corridor", "corridor-height")


def test_corridor_collections__corridor_corridor_width_parameter_definition(site: Site) -> None:
    check_where_offered(site, "corridor", "corridor-width")


def test_locations_collections__locations_date_time_parameter_definition(site: Site) -> None:
    check_optional(site, "locations", "datetime")


def test_locations_collections__locations_parametername_parameter_definition(site: Site) -> None:
    check_optional(site, "locations", "parameter-name")


def test_locations_collections__locations_crs_parameter_definition(site: Site) -> None:
    check_optional(site, "locations", "crs")


def test_locations_collections__locations_f_parameter_definition(site: Site) -> None:
    check_optional(site, "locations", "f")

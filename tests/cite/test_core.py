"""Landing page, conformance declaration, API definition and collections, as the official suite tests them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openapi_spec_validator import validate

if TYPE_CHECKING:
    from tests.cite.conftest import Json, Site

OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"
CORE = "http://www.opengis.net/spec/ogcapi-edr-1/1.0/conf/core"
CRS84_NAMES = ("CRS:84", "CRS84", "EPSG:4326", "WGS84")


def rels(links: list[Json]) -> set[str]:
    return {link["rel"] for link in links}


def typed(links: list[Json], *wanted: str) -> list[Json]:
    """Links of one of the relation types that tell their media type."""
    return [link for link in links if link["rel"] in wanted and link.get("type")]


def advertised(site: Site) -> Json:
    """`/collections` at the address that the API definition gives."""
    operation = site.api.document["paths"]["/collections"]["get"]
    assert {"200", "default"} & operation["responses"].keys()
    base = site.api.document.get("servers", [{"url": "/"}])[0]["url"].rstrip("/")
    collections: Json = site.get(f"{base}/collections").json()
    return collections


def test_landing_page__edr_landing_page_validation(site: Site) -> None:
    found = rels(site.landing["links"])
    assert {"conformance", "data"} <= found
    assert {"service-desc", "service-doc"} & found


def test_conformance__http(site: Site) -> None:
    assert site.get("/", "*/*").version == 11


def test_conformance__validate_conformance_operation_and_response(site: Site) -> None:
    assert all(isinstance(each, str) for each in site.conforms_to)
    assert CORE in site.conforms_to


def test_api_definition__openapi_document_retrieval(site: Site) -> None:
    assert site.get(site.service_desc["href"], site.service_desc["type"]).status == 200


def test_api_definition__api_definition_validation(site: Site) -> None:
    assert site.service_desc["type"] == OPENAPI_TYPE
    assert {reference[0] for reference in site.api.references()} <= {"#"}, "a reference leaves the document"
    validate(site.api.document)


def test_collections__validate_collections_metadata_operation(site: Site) -> None:
    assert advertised(site)["collections"]


def test_collections__validate_collection_metadata_links(site: Site) -> None:
    for collection in advertised(site)["collections"]:
        assert typed(collection["links"], "data", "collection"), collection["id"]


def test_collections__validate_collections_metadata_links(site: Site) -> None:
    assert typed(advertised(site)["links"], "self")


def test_collections_response__validate_retrieval_of_collections(site: Site) -> None:
    assert site.listed


def test_collections_response__validate_retrieval_of_environmental_data_collections(site: Site) -> None:
    assert [collection["id"] for collection in site.collections] == [listed["id"] for listed in site.listed]


def test_collections_response__collections_crs84(site: Site) -> None:
    for collection in site.listed:
        assert any(name in crs for crs in collection["crs"] for name in CRS84_NAMES), collection["id"]


def test_collections_response__collections_parameters(site: Site) -> None:
    for collection in site.listed:
        assert collection["parameter_names"], collection["id"]
        for name, parameter in collection["parameter_names"].items():
            assert {"type", "observedProperty"} <= parameter.keys(), (collection["id"], name)


def test_collections_response__verify_collections_metadata(site: Site) -> None:
    for collection in site.collections:
        assert "spatial" in collection["extent"], collection["id"]
        assert {"self", "alternate"} & rels(collection["links"]), collection["id"]
        assert {"data", "collection"} & rels(collection["links"]), collection["id"]

"""The schemas of OGC API - EDR, which are files of YAML that refer to each other, as one JSON schema."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator


@cache
def edr_validator(root: Path, name: str) -> Draft202012Validator:
    """A validator by the schema `name` (e.g. `geojson/featureGeoJSON.yaml`) of the folder `root`."""
    return Draft202012Validator(_complete(yaml.safe_load((root / name).read_text()), (root / name).parent, root))


def edr_problems(document: Any, validator: Draft202012Validator) -> list[str]:
    """What the schema holds against a document."""
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)]


def _complete(schema: Any, folder: Path, root: Path) -> Any:
    """A schema with what it refers to in the place of each reference, and `nullable` of OpenAPI 3.0 as a type."""
    if isinstance(schema, list):
        return [_complete(member, folder, root) for member in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        path = _file(schema["$ref"], folder, root)
        return _complete(yaml.safe_load(path.read_text()), path.parent, root)
    completed = {key: _complete(member, folder, root) for key, member in schema.items()}
    if completed.pop("nullable", None) is True and "type" in completed:
        completed["type"] = [completed["type"], "null"]
    return completed


def _file(reference: str, folder: Path, root: Path) -> Path:
    """Some references climb out of the folder of schemas and back by the name it had at home."""
    _, found, path = reference.rpartition("schemas/")
    return root / path if found else (folder / reference).resolve()

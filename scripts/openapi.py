"""Write openapi/demo-3.0.json and demo-3.1.json, the OpenAPI documents of config/demo.yml.

With --check, only say whether they are up to date.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson
import yaml

from zarr_edr.dataset.catalog import Catalog
from zarr_edr.web.config import prepare
from zarr_edr.web.openapi import V30, V31, document
from zarr_edr.web.service import Service

ROOT = Path(__file__).parents[1]
FILES = {V30: ROOT / "openapi" / "demo-3.0.json", V31: ROOT / "openapi" / "demo-3.1.json"}
STYLE = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def documents() -> dict[Path, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as workdir:
        prepared = prepare(ROOT / "config" / "demo.yml", Path(workdir), "127.0.0.1:5000")
        config = yaml.safe_load(prepared.config.read_text())
        stock = orjson.loads(prepared.openapi.read_bytes())
    service, catalog = Service.of(config, prepared.url), Catalog.open(config["resources"])
    return {path: document(service, catalog.collections, stock, version) for version, path in FILES.items()}


def main() -> int:
    stale = []
    for path, found in documents().items():
        text = orjson.dumps(found, option=STYLE)
        if "--check" not in sys.argv:
            path.write_bytes(text)
        elif not path.is_file() or path.read_bytes() != text:
            stale.append(path.relative_to(ROOT))
    for name in stale:
        print(f"{name} is out of date; run `make openapi`.", file=sys.stderr)
    return len(stale)


if __name__ == "__main__":
    sys.exit(main())

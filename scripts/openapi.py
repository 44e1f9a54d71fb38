"""Write openapi/demo.json, the OpenAPI document of config/demo.yml; with --check only say whether it is up to date."""

import sys
import tempfile
from pathlib import Path

import orjson

from zarr_edr.web.config import prepare

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "openapi" / "demo.json"


def main() -> int:
    with tempfile.TemporaryDirectory() as workdir:
        prepared = prepare(ROOT / "config" / "demo.yml", Path(workdir), "127.0.0.1:5000")
        document = orjson.loads(prepared.openapi.read_bytes())
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    if "--check" not in sys.argv:
        DOCUMENT.write_bytes(text)
    elif not DOCUMENT.is_file() or DOCUMENT.read_bytes() != text:
        print(f"{DOCUMENT.relative_to(ROOT)} is out of date; run `make openapi`.", file=sys.stderr)
        return 1
    return 0


sys.exit(main())

# make serve   serve the demo collections on http://localhost:5000 (PORT=... for another port)
# make test    run the tests
# make cite    run the conformance tests of EDR; with CITE_JAR=path/to/aio.jar the official ones, which need Java 17
# make check   style, types, and generated files in step with their sources: what continuous integration asks for
# make bench  measure this server beside its peers and beside what the machine can do: half an hour, 5 GB of disk;
#             BENCH_ARGS="--only NAME --seconds 1" and the like, --help lists them
# make bench-scaling  the tables of docs/scaling.md: how cost grows
# make bench-quick  fail where a query reads, or takes, more than it should: two minutes; bench-clean removes what bench keeps
# All of them install what they need into .venv/ first; PYTHON=... chooses the interpreter (3.12 or newer).

PYTHON ?= python3
PORT ?= 5000
PYTEST_ARGS ?=
BIN := .venv/bin
STAMP := .venv/installed
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.12 --upgrade --quiet --generate-hashes --no-header --no-annotate \
	--no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help install serve test cite check format lock openapi bench bench-scaling bench-quick bench-clean clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# //p' Makefile

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@scripts/make-venv $(PYTHON) .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

serve: $(STAMP)
	$(BIN)/zarr-edr serve config/demo.yml --bind 127.0.0.1:$(PORT)

test: $(STAMP)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(PYTEST_ARGS)

cite: $(STAMP)
	$(BIN)/python scripts/cite.py

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/openapi.py --check

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: $(STAMP)
	$(BIN)/python scripts/openapi.py

lock: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) pyproject.toml --extra dev --output-file requirements.lock
	$(COMPILE) benchmarks/limit.in --constraints requirements.lock --output-file benchmarks/limit.lock
	$(COMPILE) benchmarks/xpublish.in --constraints requirements.lock --output-file benchmarks/xpublish.lock

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-scaling: $(STAMP)
	$(BIN)/python -m benchmarks.scaling

bench-quick: $(STAMP)
	$(BIN)/python -m benchmarks.quick

bench-clean:
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/zarr-edr-bench"

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

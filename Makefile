# Tilescope. Every target sets up what it needs, once; the second time nothing is downloaded.
#   make demo            the demo archive on http://127.0.0.1:8000 (PORT=… for another port)
#   make serve DATA=dir  any folder of rasters as a map
#   make test            every test; make check: lint, types, import rules
.DEFAULT_GOAL := demo
SHELL := /bin/sh
PORT ?= 8000
HOST ?= 127.0.0.1
DEMO := build/demo-archive
PY := .venv/bin/python
UPSTREAMS ?= 127.0.0.1:8001 127.0.0.1:8002
CACHE_DIR ?= build/nginx-cache
VIEWER_DIR ?= viewer/dist
PYTEST := .venv/bin/pytest
VIEWER_SOURCES := $(shell find viewer -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: demo serve setup test test-python test-viewer test-kernels check bench bench-gpu nginx clean

demo: setup
	@$(PY) -m tileserver.demo --port-free $(PORT) $(DEMO)
	@.venv/bin/tileserver serve $(DEMO) --host $(HOST) --port $(PORT)

serve: setup
	@test -n "$(DATA)" || { echo "Say which folder: make serve DATA=/path/to/rasters"; exit 2; }
	@.venv/bin/tileserver serve "$(DATA)" --host $(HOST) --port $(PORT)

setup: .venv/.ready viewer/dist/.ready

.venv/.ready: pyproject.toml
	@sh scripts/python-environment

.venv/.ready-dev: .venv/.ready
	@echo "Installing what the tests need …"
	@$(PY) -m pip install --quiet --group dev
	@touch $@

viewer/dist/.ready: .venv/.ready $(VIEWER_SOURCES)
	@sh scripts/viewer-build

test: setup .venv/.ready-dev test-viewer test-python

test-viewer: setup
	@sh scripts/npm --prefix viewer test

test-python: setup .venv/.ready-dev
	@$(PYTEST) -n 2 --dist loadfile

test-kernels: .venv/.ready-dev
	@$(PYTEST) tests/gpu --kernels

check: setup .venv/.ready-dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@sh scripts/npm --prefix viewer run types

bench: setup .venv/.ready-dev
	@$(PY) -m benchmarks

bench-gpu: setup .venv/.ready-dev
	@$(PY) -m benchmarks.gpu

nginx:
	@PORT=$(PORT) UPSTREAMS="$(UPSTREAMS)" CACHE_DIR="$(CACHE_DIR)" VIEWER_DIR="$(VIEWER_DIR)" sh nginx/run.sh

clean:
	rm -rf .venv build viewer/dist viewer/node_modules

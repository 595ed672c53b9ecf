# make lab     set up, then open the first notebook in JupyterLab
# make test    set up, then run all checks and tests
# make docs    set up, then build the documentation into site/; `make docs-serve` shows it and follows your edits
# make setup   only set up: .venv with the pinned versions of constraints.txt, and the JupyterLab extension
#              (seconds when nothing has changed; extension/ is built anew when its sources have)
#
# PYTHON=python3.12          the Python that .venv is made with (3.11 or newer)
# PIP_ARGS="..."             more arguments for pip, such as an index of CPU-only wheels of torch
# LAB_ARGS="--no-browser"    more arguments for JupyterLab
# PYTEST_ARGS="-k crystal"   more arguments for pytest

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LABEXTENSION := $(VENV)/share/jupyter/labextensions/xcrystal-lab
BUILT := $(VENV)/.extension
# what the JupyterLab extension and the widgets are made of
SOURCES := $(shell find extension/src extension/style extension/schema -type f) \
  $(addprefix extension/,package.json yarn.lock tsconfig.json install.json build_widgets.mjs)
JLPM = cd extension && export PATH="$(abspath $(BIN)):$$PATH" && jlpm

.PHONY: help setup lab test browser lint format extension test-extension pins wheel docs docs-serve clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

setup: $(READY) $(BUILT)
	@:

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "xcrystal needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | tail -n 1)."; \
	  echo "Install one and name it: make lab PYTHON=python3.12"; exit 1; } >&2
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	  rm -rf $(VENV); echo "No virtual environment could be made (Debian, Ubuntu: apt-get install python3-venv)."; exit 1; } >&2
	$(BIN)/python -m pip install $(PIP_ARGS) --constraint constraints.txt --editable '.[test,docs]'
	@touch $@ $(BUILT)

# pip has just built and copied the extension; when its sources change, the copy has to follow
$(BUILT): $(READY) $(SOURCES)
	@if [ -n "$$(find $(SOURCES) -newer $@)" ]; then set -ex; \
	  ($(JLPM) install --immutable && jlpm build:prod); \
	  rm -rf $(LABEXTENSION); mkdir -p $(dir $(LABEXTENSION)); cp -R extension/labextension $(LABEXTENSION); \
	  cp extension/install.json $(LABEXTENSION); \
	fi
	@touch $@

lab: setup
	@$(BIN)/xcrystal lab --folder notebooks $(LAB_ARGS)

# Threads that wait for each other by spinning stall for minutes when the cores are shared with a browser: let them sleep.
test: setup browser lint test-extension
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest $(PYTEST_ARGS)

test-extension: setup
	$(JLPM) test

extension: $(BUILT)

browser: setup
	@.ci/browser $(BIN)/python

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(JLPM) lint:check

format: setup
	$(JLPM) lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# New versions of everything within the ranges of pyproject.toml; 3.11.0 so that old patch releases of Python work too.
pins: setup
	$(BIN)/python -m pip install --quiet uv
	grep '^#' constraints.txt > constraints.txt.new
	$(BIN)/uv pip compile --universal --python-version 3.11.0 --extra test --extra docs --no-annotate --no-header --quiet \
	  pyproject.toml | grep -vE '^(nvidia|cuda|triton)' >> constraints.txt.new
	mv constraints.txt.new constraints.txt

wheel: setup
	rm -rf extension/labextension xcrystal/explorer/static
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

docs: setup
	$(BIN)/mkdocs build --strict

docs-serve: setup
	$(BIN)/mkdocs serve

clean:
	rm -rf $(VENV) dist site extension/node_modules extension/lib extension/labextension extension/tsconfig.tsbuildinfo \
	  xcrystal/explorer/static

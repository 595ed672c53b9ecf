# make lab     set up, then open the first notebook in JupyterLab
# make setup   only set up: .venv with the pinned versions of constraints.txt, and the JupyterLab extension
#              (seconds when nothing has changed; extension/ is built anew when its sources have)
# make test    set up for developers, then run all checks and tests
# make dev     only set up for developers: what tests and documentation need, Node.js and a browser besides
# make docs    set up for developers, then build the documentation into site/; `make docs-serve` follows your edits
# make sbom    what others wrote, with versions and licences, as an SBOM and as a table, into dist/
# make audit   whether anything that is pinned has a known vulnerability
# make test-lowest   the quick tests, with the lowest versions that pyproject.toml allows, in a .venv-lowest
#
# PYTHON=python3.12          the Python that .venv is made with (3.11 or newer)
# TORCH_INDEX=               torch as PyPI has it, which on Linux brings gigabytes of CUDA; by default that is done where
#                            there is an NVIDIA GPU, and PyTorch's index of CPU-only wheels is asked first elsewhere
# PIP_ARGS="..."             more arguments for pip
# LAB_ARGS="--no-browser"    more arguments for JupyterLab
# PYTEST_ARGS="-k crystal"   more arguments for pytest

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
# pip looks up what a package is built with in the one or the other variable, depending on its release
BUILD_PINS = PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
PIP = $(BUILD_PINS) $(BIN)/python -m pip install $(PIP_ARGS) --constraint constraints.txt
ifeq ($(shell uname -s),Linux)
TORCH_INDEX ?= $(if $(shell command -v nvidia-smi),,https://download.pytorch.org/whl/cpu)
endif
LABEXTENSION := $(VENV)/share/jupyter/labextensions/xcrystal-lab
BUILT := $(VENV)/.extension
# what the JupyterLab extension and the widgets are made of
SOURCES := $(shell find extension/src extension/style extension/schema -type f) \
  $(addprefix extension/,package.json yarn.lock tsconfig.json install.json build_widgets.mjs)
JLPM = cd extension && export PATH="$(abspath $(BIN)):$$PATH" && jlpm

.PHONY: help setup dev lab test test-lowest browser lint format extension test-extension pins sbom audit wheel docs docs-serve clean

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
	@$(if $(TORCH_INDEX),$(PIP) --no-deps --retries 1 --timeout 20 --index-url $(TORCH_INDEX) torch || \
	  echo "$(TORCH_INDEX) cannot be reached: torch comes from where pip looks otherwise.")
	had=$$(ls -d extension/node_modules 2>/dev/null); $(PIP) --editable . && \
	  { test -n "$$had" || rm -rf extension/node_modules extension/.yarn; }  # 0.8 GB that only building needed
	@touch $@ $(BUILT)

$(DEV): $(READY)
	$(PIP) --editable '.[test,docs]'
	$(JLPM) install --immutable
	@touch $@ $(BUILT)

dev: $(DEV) $(BUILT) browser

# pip has just built and copied the extension; when its sources change, the copy has to follow
$(BUILT): $(READY) $(SOURCES)
	@if [ -n "$$(find $(SOURCES) -newer $@)" ]; then set -ex; \
	  if [ -e $(DEV) ]; then ($(JLPM) install --immutable && jlpm build:prod); \
	  else rm -rf extension/labextension; $(PIP) --no-deps --editable .; rm -rf extension/node_modules extension/.yarn; fi; \
	  rm -rf $(LABEXTENSION); mkdir -p $(dir $(LABEXTENSION)); cp -R extension/labextension $(LABEXTENSION); \
	  cp extension/install.json $(LABEXTENSION); \
	fi
	@touch $@

lab: setup
	@$(BIN)/xcrystal lab --folder notebooks $(LAB_ARGS)

# Up to four processes share the tests, with one thread each. Threads that wait for each other by spinning stall for
# minutes when the cores are shared with a browser: let them sleep.
SHARED := -n auto --maxprocesses 4
test: dev lint test-extension
	OMP_WAIT_POLICY=passive OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SHARED) $(PYTEST_ARGS)

test-extension: dev
	$(JLPM) test

extension: $(DEV) $(BUILT)

browser: $(DEV)
	@.ci/browser $(BIN)/python

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(JLPM) lint:check

format: $(DEV)
	$(JLPM) lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# New versions of everything within the ranges of pyproject.toml; 3.11.0 so that old patch releases of Python work too.
pins: setup
	$(BIN)/python -m pip install --quiet uv
	grep '^#' constraints.txt > constraints.txt.new
	$(BIN)/uv pip compile --universal --python-version 3.11.0 --extra test --extra docs --no-annotate --no-header --quiet \
	  pyproject.toml | grep -vE '^(nvidia-[^m]|cuda|triton)' >> constraints.txt.new
	mv constraints.txt.new constraints.txt
	grep '^#' requirements.lock > requirements.lock.new
	$(BIN)/uv pip compile --universal --python-version 3.11.0 --no-deps --generate-hashes --no-annotate --no-header --quiet \
	  constraints.txt >> requirements.lock.new
	mv requirements.lock.new requirements.lock

# What others wrote: dist/sbom.json (CycloneDX) and dist/third-party-licences.md, of Python and of npm. The tools have an
# environment of their own, since they are no part of what they describe.
sbom: setup
	$(PYTHON) -m venv $(VENV)-sbom
	$(VENV)-sbom/bin/python -m pip install --quiet $(PIP_ARGS) cyclonedx-bom==7.5.0 pip-licenses==5.5.5
	$(VENV)-sbom/bin/python tools/third_party.py --python $(BIN)/python --out dist

# Known vulnerabilities of what is pinned; needs the network.
audit: $(DEV)
	$(PYTHON) -m venv $(VENV)-sbom
	$(VENV)-sbom/bin/python -m pip install --quiet $(PIP_ARGS) pip-audit==2.10.1
	$(VENV)-sbom/bin/pip-audit --strict --no-deps --disable-pip --requirement requirements.lock
	$(JLPM) npm audit --all --recursive --environment production --severity high

# Of each dependency of ours the lowest version in its range, and of theirs the highest that go with these. Old versions
# warn of what newer ones no longer do, so warnings are no errors here.
test-lowest: $(DEV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)-lowest
	$(BIN)/uv pip install --python $(VENV)-lowest --resolution lowest-direct $(UV_ARGS) --editable '.[test]'
	$(VENV)-lowest/bin/python -m pytest -o filterwarnings=default $(or $(PYTEST_ARGS),tests/crystal tests/model tests/latent tests/explanation)

wheel: setup
	rm -rf extension/labextension xcrystal/explorer/static
	$(BUILD_PINS) $(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

docs: $(DEV)
	$(BIN)/mkdocs build --strict

docs-serve: $(DEV)
	$(BIN)/mkdocs serve

clean:
	rm -rf $(VENV) $(VENV)-lowest $(VENV)-sbom dist site extension/node_modules extension/lib extension/labextension \
	  extension/tsconfig.tsbuildinfo xcrystal/explorer/static

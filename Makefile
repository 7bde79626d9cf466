# Sahut: `make demo` shows it, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ONCE ?=

.DEFAULT_GOAL := help
.PHONY: help venv dev demo test check format docs screens bench lock clean

help:  ## what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.installed  ## the environment, with the sahut command in .venv/bin

dev: $(VENV)/.installed-dev  ## the environment with everything that tests and checks need

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sahut needs Python 3.11 or newer; set PYTHON=...")'
	@echo "Making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python requirements.lock pyproject.toml
	@echo "Installing the locked dependencies (about 270 MB, a minute or two)"
	@$(PIP) install --progress-bar on -qq --require-hashes -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.python requirements-dev.lock pyproject.toml
	@echo "Installing the locked dependencies with those of the tests (about 320 MB, a minute or two)"
	@$(PIP) install --progress-bar on -qq --require-hashes -r requirements-dev.lock
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.installed

demo: venv  ## the main job: a play in the terminal, then phones in the browser; ONCE=1 ends after the play
	@$(BIN)/sahut demo $(if $(ONCE),--once)

test: dev  ## the whole suite, PostgreSQL included
	@$(BIN)/python -m pytest -n 2 --dist worksteal

check: dev  ## format, lint, types, import floors, generated docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.docs --check

format: dev  ## format the code, mend what the linter can
	@$(BIN)/ruff check --fix-only -q .
	@$(BIN)/ruff format .

docs: dev  ## generate the parts of docs/ that come from the code
	@$(BIN)/python -m tests.docs

screens: dev  ## make the pictures of docs/images/ again (needs a Chromium)
	@$(BIN)/python -m tests.docs.screens

bench: dev  ## the benchmarks: ratios within one run, machine named
	@$(BIN)/python -m tests.bench

lock:  ## lock the dependencies again (needs uv on the PATH)
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --python-version 3.11 --no-emit-package sahut --extra build pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --python-version 3.11 --no-emit-package sahut --extra build --extra dev -c requirements.lock \
	    pyproject.toml -o requirements-dev.lock

clean:  ## remove the environment and the demo's data
	rm -rf $(VENV) .sahut

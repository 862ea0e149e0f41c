# Everything sets itself up: a virtual environment with what is needed, made once and again when
# pyproject.toml changes. Only Python 3.11 or newer and make have to be there.
#
#   make demo        the whole pipeline on sample papers, and a page to look at
#   make test        all tests           make test-fast   those that take less than two minutes
#   make check       lint, format, types
#   make docs        the documentation, as pages in site/
#   make serve       the demo's page over HTTP, for a machine without a screen
#   make clean       remove the environment and the demo
#
# PYTHON=… picks another interpreter, VENV=… another place, TESTS=… some of the tests, and
# PROCESSES=… how many run tests side by side (0: in one, for a debugger).

SHELL := /bin/sh
.DEFAULT_GOAL := help

IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	if command -v $$python >/dev/null 2>&1 && $$python -c '$(IS_NEW_ENOUGH)' 2>/dev/null; then \
	echo $$python; break; fi; done)
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
TESTS ?=
# In CI nothing is skipped in silence: a test that cannot run here is a failure.
STRICT := $(if $(CI),-p tests.house.no_skips)
PROCESSES ?= auto
PYTEST = $(BIN)/python -m pytest -n $(PROCESSES) --maxprocesses 4 --dist worksteal $(STRICT)

RUN := $(VENV)/.for-run
DEV := $(VENV)/.for-dev

.PHONY: help demo test test-fast check docs serve clean

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed; name it with PYTHON=…"; exit 1; fi
	@$(PYTHON) -c '$(IS_NEW_ENOUGH)' || { echo "$(PYTHON) is older than 3.11"; exit 1; }
	@echo "Setting up $(VENV), once …"
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(RUN): pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(RUN)

demo: $(RUN)
	@$(BIN)/digest demo

serve: demo
	@echo "The demo is on http://127.0.0.1:$(PORT)/ until you press Ctrl-C."
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory demo

test: $(DEV)
	$(PYTEST) $(TESTS)

test-fast: $(DEV)
	$(PYTEST) -m "not slow" $(TESTS)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Needs no network; the theme's notice about its successor is not ours to heed.
docs: $(DEV)
	$(BIN)/python -m tools.reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf $(VENV) demo site build dist .mypy_cache .pytest_cache .ruff_cache

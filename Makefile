# `make demo` and `make test` need nothing but Python >= 3.11 with pip: the first call makes $(VENV) and installs into it.
# To use another interpreter, environment or options: make test PYTHON=python3.13 VENV=../venv PYTEST_ARGS="-k nn"

SHELL := /bin/sh
VENV ?= .venv
PYTHON ?= $(shell for python in python3 python python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := $(VENV)/bin
SUITE ?= mtr
PYTEST_ARGS ?= --numprocesses=auto --maxprocesses=4

.DEFAULT_GOAL := help
.PHONY: help demo test lint types docs bench check clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-7s %s\n", $$1, $$2 }'

demo: $(VENV)/.installed-examples  ## learn three half-labelled targets of 17,472 films: a table and a picture
	$(BIN)/python examples/quickstart.py

test: $(VENV)/.installed-test  ## run the tests and every example of the docstrings, the guide and the README
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed-test  ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test  ## check types
	$(BIN)/mypy

docs: $(VENV)/.installed-docs  ## build the documentation into docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.installed-bench  ## measure against the peers: make bench SUITE=mtr
	$(BIN)/python -m benchmarks.run $(SUITE)

check: lint types docs test  ## everything that must hold before a change goes in

clean:  ## remove what the other targets made, but not the environment
	rm -rf docs/_build docs/generated docs/auto_examples docs/sg_execution_times.rst
	rm -rf .pytest_cache .mypy_cache .ruff_cache dist

# Some systems ship venv without ensurepip; then their own pip puts pip into the environment.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "sklearn_mtl needs Python >= 3.11; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m venv --clear --without-pip $(VENV) \
		&& $(PYTHON) -m pip --python $(BIN)/python install pip; }
	@touch $@

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(VENV)/.made
	$(BIN)/python -m pip install --constraint constraints.txt --editable ".[$*]"
	@touch $@

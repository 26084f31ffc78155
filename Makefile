# Two commands for a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# MindSpore 2.10 runs convolutions in reference code on AVX-512 processors unless oneDNN is held to
# AVX2 before its first operator.
export ONEDNN_MAX_CPU_ISA ?= AVX2

.DELETE_ON_ERROR:
.PHONY: demo test lint clean

demo: $(VENV)/.installed
	$(BIN)/mshub demo

# Two processes, each with whole files: tests hold checkpoints of published size.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' || { \
	    echo "MindSpore needs Python 3.10 to 3.12; name one with PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[mindspore]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[mindspore,dev]'
	touch $@

# Two commands for a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_INSTALL := $(BIN)/uv --system-certs pip install --quiet --python $(BIN)/python

# Three processes on two processors, as tests wait for servers and children; each with whole files, for tests
# hold checkpoints of published size; in the order of tests/conftest.py, slow files first.
PYTEST := -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# MindSpore 2.10 runs convolutions in reference code on AVX-512 processors unless oneDNN is held to
# AVX2 before its first operator.
export ONEDNN_MAX_CPU_ISA ?= AVX2
# Compiling MindSpore anew takes each process that imports it six seconds.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: demo serve-demo test test-latest test-oldest lint lock clean

demo: $(VENV)/.installed
	$(BIN)/mshub demo

serve-demo: $(VENV)/.installed
	$(BIN)/mshub serve --demo

test: $(VENV)/.installed
	$(BIN)/python $(PYTEST)

# The fast tests with the newest and with the lowest versions that pyproject.toml admits.
test-latest: RESOLUTION := highest
test-oldest: RESOLUTION := lowest-direct
test-latest test-oldest: $(VENV)/.installed
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)-$(RESOLUTION)
	$(BIN)/uv pip install --quiet --python $(VENV)-$(RESOLUTION) --resolution $(RESOLUTION) \
	    --editable '.[mindspore,dev]'
	$(VENV)-$(RESOLUTION)/bin/python $(PYTEST) -m 'not slow'

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One file for Python 3.10 to 3.12 and every system; it names no registry.
lock: $(VENV)/.installed
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --python-version 3.10 \
	    --extra mindspore --extra dev --custom-compile-command 'make lock' \
	    --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) $(VENV)-highest $(VENV)-lowest-direct build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' || { \
	    echo "MindSpore needs Python 3.10 to 3.12; name one with PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# uv takes a sixth of the time of pip, but does not read its configuration: pip goes on where uv reaches no index.
$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	sed -n '/^uv==/,/# via/p' requirements.lock | \
	    $(BIN)/python -m pip install --quiet --require-hashes --requirement /dev/stdin
	$(UV_INSTALL) --require-hashes --requirement requirements.lock || \
	    $(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(UV_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

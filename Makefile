# make demo   installs everything and opens the studio with the embedded model
# make test   installs everything and runs linter, types and all tests, those in a browser included
# make fast   runs the tests that take seconds
# make audit  looks up known vulnerabilities of the installed packages; needs a network

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# three workers on two cores, because the worker of the browser tests often waits; tests/conftest.py has what each gets and
# the order; byte code is kept for the next time
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

MAKEFLAGS += --jobs=2

.PHONY: demo test check browser fast audit clean

demo: .venv/demo-ready
	$(BIN)/python app.py

test: check browser
	$(PYTEST)

browser:
	.ci/chromium

check: .venv/test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPY_NUM_WORKERS=2 $(BIN)/mypy

fast: .venv/test-ready
	$(PYTEST) -m "not slow and not browser" --ignore tests/browser

# separate from `make test`, because that needs no network
audit: .venv/demo-ready
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/python -m pip_audit --local --skip-editable

clean:
	rm -rf .venv

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; run make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv

.venv/demo-ready: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[studio]'
	touch $@

.venv/test-ready: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[test]'
	touch $@ .venv/demo-ready

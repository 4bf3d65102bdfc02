# make demo   set everything up and open the studio on the embedded model
# make test   set everything up and run lint, types and all tests, the browser's included
# make audit  ask the network for known weaknesses of the packages that are installed

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: demo test check fast audit clean

demo: .venv/demo-ready
	$(BIN)/python app.py

test: check
	.ci/chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fast: .venv/test-ready
	$(BIN)/python -m pytest -m "not slow and not browser"

# not part of `make test`, which needs no network
audit: .venv/demo-ready
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/python -m pip_audit --local --skip-editable

clean:
	rm -rf .venv

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; run make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv

.venv/demo-ready: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[studio]'
	touch $@

.venv/test-ready: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ .venv/demo-ready

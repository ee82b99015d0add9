# Recipes use relative paths only, so that a folder with spaces in its name works.
PORT ?= 8501
PYTHON ?=
VENV_PYTHON := .venv/bin/python
PYTEST := $(VENV_PYTHON) -m pytest -p scripts.no_skips

# The matrices are small: a second BLAS thread makes them slower (one thread: 1.5 to 6 times faster
# at H=64), and NumPy reads these before its first import.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export PYTHON

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint types format bench clean runtime dev chromium

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: runtime ## start the lab and print its address; PORT=8600 chooses another port
	@sh scripts/run.sh "$(PORT)"

test: chromium lint types ## check everything: lint, types, unit, property, page and browser tests
	$(PYTEST) -n 2 --dist worksteal --ignore=tests/browser
	$(PYTEST) -n 2 --dist worksteal tests/browser

lint: dev ## check style and formatting
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .

types: dev ## check types
	$(VENV_PYTHON) -m mypy

format: dev ## rewrite the code in the house format
	$(VENV_PYTHON) -m ruff check --fix .
	$(VENV_PYTHON) -m ruff format .

bench: dev ## time the engine on this machine
	$(VENV_PYTHON) -m benchmarks.engine

clean: ## remove the environment and every cache
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@sh scripts/environment.sh requirements.txt constraints.txt

dev: runtime
	@sh scripts/environment.sh requirements-dev.txt requirements.txt constraints.txt

chromium:
	@sh scripts/chromium.sh

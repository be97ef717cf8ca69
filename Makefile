# Two commands matter: `make demo` and `make test`. Each sets up what it needs, in any order.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test lint bench lock clean

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup:  ## make .venv from requirements.lock (done by the others when needed)
	@command -v $(PYTHON) >/dev/null || { echo "setup: there is no $(PYTHON); install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) tools/make_venv.py

demo: setup  ## start the product, load a demo company through its API, say what happened
	@$(BIN)/python -m metabrm.demo

serve: setup  ## run web server, worker and scheduler until Ctrl-C
	@$(BIN)/python -m metabrm.serve

test: setup  ## run the tests on all cores against embedded servers
	@echo "running the tests ..."
	@$(BIN)/python -m pytest -n auto -q

lint: setup  ## ruff, mypy, import-linter
	@echo "ruff check ..." && $(BIN)/ruff check .
	@echo "ruff format ..." && $(BIN)/ruff format --check .
	@echo "mypy ..." && $(BIN)/mypy
	@echo "import-linter ..." && $(BIN)/lint-imports

bench: setup  ## run the benchmarks, or those of one NAME: make bench NAME=api
	@$(BIN)/python -m bench $(NAME)

lock: setup  ## resolve pyproject.toml anew into requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
		--group dev --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--upgrade pyproject.toml --output-file requirements.lock
	@echo "requirements.lock is written"

clean:  ## remove .venv and caches; what is in .state stays
	@rm -rf .venv .venv.lock dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "clean"

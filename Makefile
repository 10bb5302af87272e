# `make` alone lists what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUST := Cargo.toml Cargo.lock extractor/Cargo.toml $(shell find extractor/src -name '*.rs' 2>/dev/null)
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs snapshots clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The environment: the package in editable form, its extension built, and what the tests need.
$(VENV)/.ok: pyproject.toml $(RUST)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev,bench,bytecode]'
	touch $@

demo: $(VENV)/.ok ## run the rental agency on http://127.0.0.1:8000/
	$(BIN)/python -m djust_ast demo --port $(PORT)

test: $(VENV)/.ok ## run the Rust and the Python tests (DATABASE=postgres for PostgreSQL)
	cargo test --workspace --quiet
	$(BIN)/python -m pytest

lint: $(VENV)/.ok ## ruff, mypy, import-linter, rustfmt, clippy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --quiet -- -D warnings

bench: $(VENV)/.ok ## measure extraction, compilation and serialization against hand-written code
	$(BIN)/python -m djust_ast bench

docs: $(VENV)/.ok ## run every command and snippet of README and docs
	$(BIN)/python -m pytest tests/test_docs.py

snapshots: $(VENV)/.ok ## write the snapshots anew, for review with git diff
	INSTA_UPDATE=always cargo test --workspace --quiet
	UPDATE_SNAPSHOTS=1 $(BIN)/python -m pytest -q tests/test_snapshots.py

clean: ## remove what the targets made
	rm -rf $(VENV) target

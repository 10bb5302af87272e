# `make` alone lists what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
VENV313 ?= .venv313
# The Django in there: `make test313 DJANGO313=6.0 VENV313=.venv313-6.0` is another one beside it.
DJANGO313 ?= 6.1
WHEEL := target/editable
DEV := dev,bench,bytecode
TEST := test,bytecode
RUST := Cargo.toml Cargo.lock extractor/Cargo.toml $(shell find extractor/src -name '*.rs' 2>/dev/null)
PORT ?= 8000
SAMPLE := .corpus/sample
# Under which of them the corpus is judged.
ON ?= $(VENV)

.DEFAULT_GOAL := help
.PHONY: help demo test py313 test313 corpus bodies corpus313 lint bench docs snapshots clean

help: ## list the targets
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# What is installed everywhere: this tree in editable form, with its one extension. The same wheel again replaces itself.
define install
	$(BIN)/python -m pip --python $(1)/bin/python install --quiet $(3) "$$(echo $(WHEEL)/*.whl)[$(2)]"
	$(BIN)/python -m pip --python $(1)/bin/python install --quiet --force-reinstall --no-deps $(WHEEL)/*.whl
	touch $(1)/.ok
endef

# The environment: the wheel is built here and nowhere else.
$(VENV)/.ok: pyproject.toml $(RUST)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'pip>=24' 'maturin>=1.16,<2'
	rm -rf $(WHEEL) && mkdir -p $(WHEEL)
	PATH="$(abspath $(BIN)):$$PATH" python -c 'import maturin; maturin.build_editable("$(WHEEL)")'
	$(call install,$(VENV),$(DEV))

# The second one: the same wheel under Python 3.13 and Django 6.1.
$(VENV313)/.ok: $(VENV)/.ok .ci/python313
	test -x $(VENV313)/bin/python || { python="$$(.ci/python313)" && "$$python" -m venv --without-pip $(VENV313); }
	$(call install,$(VENV313),$(TEST),'Django==$(DJANGO313).*')

demo: $(VENV)/.ok ## run the rental agency on http://127.0.0.1:8000/
	$(BIN)/python -m djust_ast demo --port $(PORT)

test: $(VENV)/.ok $(SAMPLE)/.ok $(VENV)/replacing/.ok ## run the Rust and the Python tests (DATABASE=postgres for PostgreSQL)
	cargo test --workspace --quiet
	$(BIN)/python -m pytest

py313: $(VENV313)/.ok ## make .venv313 of Python 3.13 and Django 6.1 (PYTHON313=trixie: of Debian's Python)

test313: py313 $(SAMPLE)/.ok $(VENV313)/replacing/.ok ## run the Python tests there (DATABASE=postgres for PostgreSQL)
	$(VENV313)/bin/python -m pytest

# The packages of the sample, which the tests judge, are for any Python; those of the corpus are for one. None replaces ours.
$(SAMPLE)/.ok: tests/corpus/sample-requirements.txt $(VENV)/.ok
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(@D) --requirement $<
	touch $@

# Packages that change Django as they start, for one Python each: tests run them in processes of their own.
$(VENV)/replacing/.ok: $(VENV)/.ok
$(VENV313)/replacing/.ok: $(VENV313)/.ok
%/replacing/.ok: tests/replacing/requirements.txt
	$(BIN)/python -m pip --python $*/bin/python install --quiet --no-deps --upgrade --target $(@D) --requirement $<
	touch $@

.corpus/cpython-%/.ok: tests/corpus/requirements.txt tests/corpus/sample-requirements.txt
	$(BIN)/python -m pip --python $(ON)/bin/python install --quiet --no-deps --upgrade --target $(@D) --requirement $<
	touch $@

corpus: $(ON)/.ok ## judge extractor and node walk over every template of 49 packages, and the specs of tags (six minutes)
	$(MAKE) .corpus/$$($(ON)/bin/python -c "import sys; print(sys.implementation.cache_tag)")/.ok
	$(ON)/bin/python -m tests.corpus
	$(ON)/bin/python -m tests.corpus.specs

corpus313: py313 ## the same under Python 3.13 and Django 6.1
	$(MAKE) corpus ON=$(VENV313)

bodies: $(ON)/.ok ## tell how many bodies of 8 packages the analysis closes, and judge those (two minutes)
	$(MAKE) .corpus/$$($(ON)/bin/python -c "import sys; print(sys.implementation.cache_tag)")/.ok
	$(ON)/bin/python -m tests.corpus.bodies

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
	rm -rf $(VENV) $(VENV313) .trixie target

# `make demo`, `make run` and `make test` need only Python 3.11 or newer and make: each sets itself up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
FUZZ_SECONDS ?= 600
PROPERTIES := tests/rules/test_engine_equals_slow.py tests/rules/test_queries.py
export PYTHON VENV
# Processes share what the first has compiled, also where images of Python say otherwise: half of a test process's start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo run test lint types contracts unit test-long test-slow test-examples fuzz docs lock schema clean
help: ## what there is
	@sed -n 's/^bench-%:/bench-NAME:/; s/^\([a-zA-Z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: setup-run ## the whole job offline on the example story
	@$(BIN)/wirewatch demo

run: setup-run ## poll, match and post with ./config
	@$(BIN)/wirewatch run --config config

# The types are checked by one process beside the tests: several take a quarter more processor time.
test: setup-test lint contracts ## lint, types, architecture and tests
	@$(MAKE) --no-print-directory --jobs=2 types unit

setup-%:
	@scripts/setup $* $(firstword $(MAKECMDGOALS))

lint: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-test
	$(BIN)/mypy

contracts: setup-test
	$(BIN)/lint-imports --no-logo

unit: setup-test
	@$(BIN)/python scripts/run-tests $(PYTEST_ARGS)

test-long: setup-test ## real kills, full disks, chat servers, each hostile piece, 500 made-up rules: up to a minute each
	@WIREWATCH_EXAMPLES=500 $(BIN)/python scripts/run-tests long $(PYTEST_ARGS)

test-slow: setup-test ## the tests that take minutes
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

test-examples: setup-test ## the properties of the rule language on 10,000 made-up examples each: ten minutes
	WIREWATCH_EXAMPLES=10000 $(BIN)/python -m pytest --timeout 7200 $(PYTEST_ARGS) $(PROPERTIES)

fuzz: setup-test ## feed made-up bytes to each reader of strangers' bytes: ten minutes, or FUZZ_SECONDS
	$(BIN)/python -m tests.hostile.fuzz --seconds $(FUZZ_SECONDS)

bench-%: setup-test ## measure: answers, attribution, audit, backtest, bursts, busy, cluster, conformance, curve, day, delivery, desks, edits, extraction, facts, gathered, identity, keeping, labels, load, match, news, pages, parse, poll, replay, search, soak, startup, stories, summaries, trace, volume
	$(BIN)/python -m $(subst /,.,$(basename $(wildcard bench/*/$*.py))) $(BENCH_ARGS)

docs: setup-test ## build the documentation into site/; broken links and anchors are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

schema: setup-test ## write config/schema/ anew
	$(BIN)/wirewatch schema --built-in --write config/schema

lock: ## write requirements/*.txt anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" pyproject.toml requirements/build.in --extra meaning -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" pyproject.toml requirements/build.in --extra postgres --extra apprise --extra meaning -o requirements/postgres.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" pyproject.toml requirements/build.in --extra postgres --extra apprise --extra meaning --extra llm --extra mcp -o requirements/all.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" pyproject.toml requirements/build.in --all-extras -o requirements/test.txt

clean: ## remove the environment and caches
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Everything here sets itself up first: a Python >= 3.12 is all that must be there. `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types imports tests tests-without-sockets tests-with-sockets coverage format docs bench rescue fuzz-recordings lock clean
bin := .venv/bin
pytest := $(bin)/python -m pytest -n auto --dist worksteal

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-23s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## make .venv with everything locked (does nothing when it is up to date)
	@tools/setup

demo: setup ## an emulated device, wsproxy in front of it, a client through it: what wsproxy shows and keeps
	@$(bin)/wsproxy demo

test: lint types imports tests ## everything below that can fail: lint, types, import directions, all tests

lint: setup ## ruff: mistakes and formatting
	$(bin)/ruff check .
	$(bin)/ruff format --check .

types: setup ## mypy, --strict on all but the tests
	$(bin)/mypy

imports: setup ## which room may import which (docs/architecture.md)
	$(bin)/python -m pytest -q tests/test_architecture.py

tests: tests-without-sockets tests-with-sockets ## all tests

# Counting lines and branches makes tests 2.5 times slower, so `make test` counts where a room's own tests are to
# reach them all; `make coverage` counts everywhere.
tests-without-sockets: setup ## what is sans-I/O (protocol/ and conformance/), 95 % of its lines and branches
	$(pytest) tests/protocol tests/conformance --cov=wsproxy.protocol --cov=wsproxy.conformance \
		--cov-report=term:skip-covered --cov-fail-under=95

tests-with-sockets: setup ## everything else
	$(pytest) --ignore=tests/protocol --ignore=tests/conformance

coverage: setup ## all tests, and the lines and branches they miss, in htmlcov/ (twice as slow)
	$(pytest) --cov --cov-report=html

format: setup ## let ruff mend what it can
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

docs: setup ## rewrite what docs/ repeats of the code: help texts, the table of rules
	$(bin)/python -m tools.docs

bench: setup ## one table: wsproxy beside its peers, all in one run (minutes)
	$(bin)/python -m bench

COUNT ?= 10000
fuzz-recordings: setup ## damaged and hostile recordings read, shown, compared, copied and played (COUNT=10000, SEED=1)
	$(bin)/python -m tests.store.hostile $(COUNT) $(SEED)

rescue: setup ## weak peers and strict ones: direct, through mitmproxy, through wsproxy; writes docs/rescue.md (minutes)
	$(bin)/python -m tests.rescue

lock: setup ## pin what pyproject.toml asks for in requirements/ (UPGRADE=--upgrade for the newest that fits)
	tools/lock $(UPGRADE)
	@tools/setup

clean: ## remove what was made: .venv, caches, builds; never a recording
	rm -rf .venv dist build htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find wsproxy addons tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

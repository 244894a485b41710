# make demo: the whole pipeline on a model it makes itself. make help lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-nightly test-all lint mutants lock

# A python that runs and fits; version managers leave shims that do neither.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
EXTRA ?= auto
BIN := .venv/bin
CONFIG := launch/configs/mini.yaml
# ARGS goes to psyche-rl or pytest. The run folder is the config's unless ARGS names another.
RUN := $(or $(patsubst run_dir=%,%,$(filter run_dir=%,$(ARGS))),runs/mini)

# Libraries keep their caches, tokens and statistics inside the clone, unless the user has placed them.
export XDG_CACHE_HOME ?= $(CURDIR)/.venv/cache
export RAY_USAGE_STATS_ENABLED ?= 0
export VLLM_NO_USAGE_STATS ?= 1
ifeq ($(RAY_ADDRESS)$(RAY_AUTH_TOKEN)$(wildcard $(HOME)/.ray/auth_token),)
export RAY_AUTH_TOKEN_PATH ?= $(CURDIR)/.venv/ray_auth_token
endif

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

setup: ## make .venv from the lock (EXTRA=cpu|gpu, default: gpu where nvidia-smi answers)
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or 3.12 found; name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) scripts/install.py --extra $(EXTRA)

demo: setup ## run the mini world, text to report (FRESH=1 starts over, ARGS="seed=1")
ifeq ($(FRESH),1)
	@case "$(RUN)" in *..*) false;; runs/?*) rm -rf -- "$(RUN)";; *) false;; esac \
	  || { echo "error: FRESH=1 removes run folders under runs/ only, not $(RUN); remove it yourself" >&2; exit 1; }
endif
	@$(BIN)/psyche-rl run $(CONFIG) $(ARGS)

# Each file keeps to one process, since its fixtures are made once; the long ones come first (tests/conftest.py).
test: setup ## the test suite, in two processes (ARGS="-k name", ARGS=-n0 for one)
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: setup ## only the tests that take minutes or kill processes, in two processes (none at all is no failure)
	@$(BIN)/pytest -n 2 --dist loadfile -m 'slow or chaos' $(ARGS) || test $$? -eq 5

test-nightly: setup ## only the tests that are too long for a merge (none at all is no failure)
	@$(BIN)/pytest -m nightly $(ARGS) || test $$? -eq 5

test-all: test test-slow test-nightly ## every test

mutants: setup ## put faults into the code and see which the tests miss (ARGS="--seed 1 --count 200")
	@$(BIN)/python scripts/mutate.py $(ARGS)

lint: setup ## format, lint, types, direction of imports, dead code, dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry .

lock: setup ## resolve requirements/*.lock from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(BIN)/python scripts/lock.py $(ARGS)

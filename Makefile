# WellFlow: bare `make` prints what there is. Each word below is a target; `##` holds its help.
PYTHON ?= python3
ENV    ?= .venv
BIN    := $(ENV)/bin
TESTS  ?= tests
JOBS   ?= auto
export PYTHONDONTWRITEBYTECODE ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test check format bench-agent bench-ingest bench-console bench-alerts chaos fuzz vendor constraints wheel clean

help: ## Print this list
	@printf 'WellFlow, from gauge to manager. What you can make:\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nStart with: make demo\n'

install: ## Make the environment with everything to develop and test
	@$(PYTHON) deploy/install.py dev --into $(ENV)

demo: ## Recorded wells, live: database, broker, site, agent, hub, mailbox (CHECK=1: unattended)
	@$(PYTHON) deploy/install.py demo --into $(ENV)
	@exec $(BIN)/python -m hub demo $(if $(CHECK),--check)

test: install ## Run the whole suite (TESTS=tests/unit runs a part, JOBS=1 one after the other)
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

check: install ## Format, lint, types, import directions
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: install ## Put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench-agent: install ## Measure the agent: memory, processor, bytes per reading
	@$(BIN)/python -m bench.agent

bench-ingest: install ## Measure the hub: readings per second from broker to committed rows
	@$(BIN)/python -m bench.ingest

bench-console: install ## Measure pages and API over 30 years of 500 wells (first run makes the data)
	@$(BIN)/python -m bench.console

bench-alerts: install ## Measure the alarms: what they find, spare and survive (QUICK=1: a first look)
	@$(BIN)/python -m bench.alerts $(if $(QUICK),--quick) $(if $(JSON),--json)

chaos: install ## Kill every part again and again, then count every reading (about 5 minutes)
	@$(BIN)/python -m bench.chaos

fuzz: install ## Try the API against its own document, every table (TABLES="wells leases", SECONDS=60 each)
	@$(BIN)/python -m tests.fuzzing $(TABLES) $(if $(SECONDS),--seconds $(SECONDS))

vendor: ## Fetch the console's browser libraries and check them against deploy/vendor.lock
	@$(PYTHON) deploy/vendor.py

constraints: ## Renew the versions and hashes that are installed
	@$(PYTHON) deploy/constraints.py

wheel: install ## Build the wheel into dist/
	@$(BIN)/python -m hatchling build -t wheel

clean: ## Remove what was made here (not the demo's data)
	@rm -rf $(ENV) build dist .cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

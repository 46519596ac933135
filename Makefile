# `make help` says what there is to do.

PYTHON ?= python3
ARCH ?= arm64
VENV := .venv/bin
PIP := $(VENV)/python -m pip install --quiet --disable-pip-version-check --no-deps
COMPILE := $(VENV)/uv pip compile --quiet --generate-hashes --no-strip-extras --no-header \
	--no-annotate $(UPGRADE)
LOCK := $(COMPILE) --universal --python-version 3.11
# The layer is for one runtime: its list has no conditions, which pip would put to this machine.
# The container image has the same Python.
LOCK_LAYER := $(COMPILE) --python-version 3.13 --python-platform x86_64-manylinux_2_28

.DEFAULT_GOAL := help
.PHONY: help run test faults bench lint format build lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/run ## Run the site on this machine (PORT=3000 WORKERS=2 SHEAF_HOME=.sheaf PYTHON=python3)
	@exec $(VENV)/python -m local

test: .venv/dev ## Run the tests
	$(VENV)/python -m pytest

faults: .venv/dev ## Attack the writers, and check what they stored (SECONDS=300 SEED=1)
	$(VENV)/python -m tests.faults.run --seconds $(or $(SECONDS),300) --seed $(or $(SEED),1)

bench: .venv/bench ## Measure locks, cold starts, load and lists against others (SHARE=1; 0.1 is a tenth)
	$(VENV)/python -m bench.locks $(or $(SHARE),1)
	env -u PYTHON $(VENV)/python -m bench.cold $(or $(SHARE),1)
	$(VENV)/python -m bench.serve $(or $(SHARE),1)
	$(VENV)/python -m bench.lists $(or $(SHARE),1)

lint: .venv/dev ## Check style and types
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy

format: .venv/dev ## Format the code
	$(VENV)/ruff check --fix --exit-zero
	$(VENV)/ruff format

build: .venv/dev ## Build what is deployed (ARCH=arm64 or x86_64)
	ARCH=$(ARCH) PATH=$(CURDIR)/$(VENV):$$PATH $(VENV)/sam build --parameter-overrides Architecture=$(ARCH)

lock: .venv/dev ## Resolve the requirements into complete lists with hashes (UPGRADE=--upgrade)
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt requirements/run.in -o requirements/run.txt
	$(LOCK) -c requirements/dev.txt requirements/bench.in -o requirements/bench.txt
	$(LOCK_LAYER) -c requirements/dev.txt layers/common/requirements.in -o layers/common/requirements.txt
	$(LOCK_LAYER) -c requirements/dev.txt requirements/container.in -o requirements/container.txt

clean: ## Remove what was installed and built, but not the site's data in .sheaf
	rm -rf .venv .aws-sam build *.egg-info .mypy_cache .pytest_cache .ruff_cache

# One stamp for each list of requirements: nothing is installed again until the list changes.
.venv/%: requirements/%.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sheaf needs Python 3.11 or later; name one with PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes --requirement $<
	$(PIP) --no-build-isolation --editable .
	@touch $@

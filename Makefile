# make serve | test | fuzz | soak | check | docs | models | picture | answers | plotting | docker | licences | sbom | audit. Everything is installed into .venv from pyproject.toml and constraints.txt.
PYTHON ?= python3
PORT ?= 8080
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: serve test fuzz soak check docs models picture answers plotting docker licences sbom audit
.DELETE_ON_ERROR:

serve: .venv/serve
	ENN_PORT=$(PORT) enn-serve

test: .venv/dev
	pytest -n 2 --dist loadfile

fuzz: .venv/dev
	ENN_FUZZ_EXAMPLES=250 pytest tests/security/test_generated_requests.py

soak: .venv/dev
	python benchmarks/soak.py $(if $(IMAGE),--image $(IMAGE)) --out docs/benchmarks/soak.md

check: .venv/dev docs
	ruff format --check
	ruff check
	pyright
	lint-imports

# The documentation site: build/site. A link to nothing is an error; nothing comes from the internet.
docs: .venv/dev
	PYTHONPATH=docs python -m generator build
	zensical build --strict --config-file build/mkdocs.yml

models: .venv/dev
	models/recipes/build.sh

picture: .venv/dev
	enn-train inspect ring --models models/repository --out docs/pictures/ring.png
	PYTHONPATH=tests python tests/docs/picture.py

answers: .venv/dev
	PYTHONPATH=tests python tests/docs/answers.py

# What the explorer draws with, from npm; node is not needed for anything else.
plotting:
	npm ci --prefix service/plotting
	npm run build --prefix service/plotting

docker:
	docker compose up --detach --build --wait

# Every package that comes along, with its licence: docs/licences.md.
licences: .venv/dev
	PYTHONPATH=tests python tests/support/licences.py

# What the service's environment holds, as CycloneDX: build/sbom.json. It is made of an environment without the tests' tools.
sbom: .venv/tools
	rm -rf build/service && $(PYTHON) -m venv --without-pip build/service
	.venv/bin/pip --python build/service install --quiet --disable-pip-version-check --constraint constraints.txt .
	.venv/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-file build/sbom.json build/service

# Known weaknesses of the pinned packages; asks the advisory database of PyPI, and so needs the internet.
audit: .venv/tools
	.venv/tools/bin/pip-audit --disable-pip --no-deps --requirement constraints.txt

.venv/tools: .venv/pip constraints.txt
	$(PYTHON) -m venv .venv/tools
	.venv/tools/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt cyclonedx-bom pip-audit
	touch $@

.venv/pip:
	$(PYTHON) -m venv .venv
	touch $@

.venv/serve: .venv/pip pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

# torch is named with its version, so that no extra brings another build; the service is installed by the same line.
.venv/dev: .venv/pip pyproject.toml constraints.txt
	$(PIP) torch==2.13.0 --editable '.[dev]'
	touch .venv/serve $@

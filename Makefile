# make serve | test | test-slow | fuzz | soak | check | docs | models | picture | answers | plotting | docker | licences | sbom | audit.
# pip installs everything into .venv from pyproject.toml and constraints.txt.
PYTHON ?= python3
PORT ?= 8080
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: serve test test-slow fuzz soak check docs models picture answers plotting docker licences sbom audit
.DELETE_ON_ERROR:

serve: .venv/serve
	ENN_PORT=$(PORT) enn-serve

test: .venv/dev
	pytest -n 2 --dist loadfile -m "not slow"

test-slow: .venv/dev
	pytest -n 2 --dist loadfile -m slow

fuzz: .venv/dev
	ENN_FUZZ_EXAMPLES=250 pytest tests/security/test_generated_requests.py

soak: .venv/dev
	python benchmarks/soak.py $(if $(IMAGE),--image $(IMAGE)) --out docs/benchmarks/soak.md

check: .venv/dev docs
	ruff format --check
	ruff check
	pyright
	lint-imports

# Build the documentation site: build/site. A link to nothing is an error. The build does not use the internet.
docs: .venv/dev
	PYTHONPATH=docs python -m generator build
	PYTHONPATH=docs zensical build --strict --clean --config-file build/mkdocs.yml

models: .venv/dev
	models/recipes/build.sh

picture: .venv/dev
	enn-train inspect ring --models models/repository --out docs/pictures/ring.png
	PYTHONPATH=tests python tests/docs/picture.py

answers: .venv/dev
	PYTHONPATH=tests python tests/docs/answers.py

# Bundle the plotting library of the explorer, from npm. Nothing else needs node.
plotting:
	npm ci --prefix service/plotting
	npm run build --prefix service/plotting

docker:
	docker compose up --detach --build --wait

# List every installed package with its licence: docs/licences.md.
licences: .venv/dev
	PYTHONPATH=tests python tests/support/licences.py

# List the packages of the service as CycloneDX: build/sbom.json. The environment has no test tools.
sbom: .venv/tools
	rm -rf build/service && $(PYTHON) -m venv --without-pip build/service
	.venv/bin/pip --python build/service install --quiet --disable-pip-version-check --constraint constraints.txt .
	.venv/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-file build/sbom.json build/service

# Compare the pinned packages with the advisory database of PyPI. This needs the internet.
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

# The line names torch with its version, so that no extra installs another build. It installs the service too.
.venv/dev: .venv/pip pyproject.toml constraints.txt
	$(PIP) torch==2.13.0 --editable '.[dev]'
	touch .venv/serve $@

# make serve | test | fuzz | soak | check | models | picture | answers | docker. Everything is installed into .venv from pyproject.toml and constraints.txt.
PYTHON ?= python3
PORT ?= 8080
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: serve test fuzz soak check models picture answers docker
.DELETE_ON_ERROR:

serve: .venv/serve
	ENN_PORT=$(PORT) enn-serve

test: .venv/dev
	pytest

fuzz: .venv/dev
	ENN_FUZZ_EXAMPLES=250 pytest tests/security/test_generated_requests.py

soak: .venv/dev
	python benchmarks/soak.py --out docs/benchmarks/soak.md

check: .venv/dev
	ruff format --check
	ruff check
	pyright
	lint-imports

models: .venv/dev
	models/recipes/build.sh

picture: .venv/dev
	enn-train inspect ring --models models/repository --out docs/pictures/ring.png

answers: .venv/dev
	PYTHONPATH=tests python tests/docs/answers.py

docker:
	docker compose up --detach --build --wait

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

# make serve | test | check | models | picture | answers | plotting | docker. Everything is installed into .venv from pyproject.toml and constraints.txt.
PYTHON ?= python3
PORT ?= 8080
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: serve test check models picture answers plotting docker
.DELETE_ON_ERROR:

serve: .venv/serve
	ENN_PORT=$(PORT) enn-serve

test: .venv/dev
	pytest

check: .venv/dev
	ruff format --check
	ruff check
	pyright
	lint-imports

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

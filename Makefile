# MedLens: `make help` lists the commands. Everything runs in .venv, made on first use.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
# of app-https; 0.0.0.0 lets others in, who must bring the secret MEDLENS_TOKEN
HOST   ?= 127.0.0.1
# the shipped runs have seed 7, so a first call trains and a second finds its runs stored
SEED   ?= 8

.DEFAULT_GOAL := help
.PHONY: help app app-https test test-slow check format bench benchmark clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

# A stamp per requirements file: a second call compares two dates and starts at once.
$(VENV)/.app: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "MedLens needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make app PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the app needs into $(VENV) (once, about 550 MB to download) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.txt
	@echo "Installing what the tests need into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

app: $(VENV)/.app ## start the app on http://localhost:8501
	@echo "MedLens: http://localhost:$(PORT)  (Ctrl-C stops it)"
	@$(BIN)/streamlit run app.py --server.port $(PORT)

app-https: $(VENV)/.app ## the same with HTTPS, so that browsers of others hand out their camera (HOST=0.0.0.0)
	@echo "MedLens: https://localhost:$(PORT)  (Ctrl-C stops it)"
	@$(BIN)/python -m core serve --https --host $(HOST) --port $(PORT)

test: $(VENV)/.dev ## run the test suite
	@$(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/.dev ## the tests that `make test` leaves out for their time
	@$(BIN)/python -m pytest -m slow -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## format and lint (ruff), types (mypy)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(VENV)/.dev ## put the code into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

benchmark: $(VENV)/.app ## the phantom benchmark: train, compare, write results/ (SEED=8)
	@$(BIN)/python -m core benchmark phantom --seed $(SEED)

bench: $(VENV)/.dev ## speed, as ratios measured in one run
	@$(BIN)/python tests/bench/run.py

clean: ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

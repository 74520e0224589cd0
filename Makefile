# One environment, .venv, made and used by every target. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: help setup browser demo test check format accept bench soak clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv with tansiq and its tools

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Tansiq needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (about two minutes the first time, one of them to compile)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e . $$($(PYTHON) scripts/dev_requirements.py)
	@$(BIN)/python -c "from tansiq.engine.warm import warm; warm()" # Compiles the kernels, once.
	@touch $@

demo: setup ## two nodes coordinate a day of real flights; ARGS=--once exits when done, ARGS="--scenario two-cells" shows three desks
	@$(BIN)/tansiq demo $(ARGS)

browser: # What the page that verifies evidence is shown in; installed where that needs no question.
	@command -v chromium chromium-browser >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing Chromium for the tests of a page" && \
	  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  echo "no Chromium: some tests will fail; install it, such as: sudo apt-get install chromium"

# One process more than cores, because many tests wait; at most four.
WORKERS := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); echo $$((n < 4 ? n + 1 : 4)))

test: setup browser ## every test, in up to four processes; ARGS="-n 0 PATH" runs some, one after the other
	@$(BIN)/python -m pytest -m "not soak" -n $(WORKERS) --dist worksteal $(ARGS)

check: setup ## ruff, formatting, mypy strict, import contracts, spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/codespell *.md docs src tests bench scripts

format: setup ## rewrite to the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

accept: setup ## outside judges (TANSIQ_ACCEPT, default ../shared/accept)
	@$(BIN)/python scripts/accept.py $(ARGS)

bench: setup ## speed beside the alternatives, as ratios; ARGS=--quick within a minute each
	@for b in bench/[a-z]*.py; do echo "== $$b"; $(BIN)/python $$b $(ARGS) || exit 1; done

soak: setup ## every figure at full size (long)
	@$(BIN)/python -m pytest -m soak $(ARGS)

clean: ## remove what the targets made
	rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis

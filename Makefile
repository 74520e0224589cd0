# One environment, .venv, made and used by every target. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: help setup console browser postgres patroni systemd screenshots demo test test-postgresql check format accept bench soak clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv with tansiq and its tools

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Tansiq needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (about two minutes the first time, one of them to compile)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e . $$($(PYTHON) scripts/dev_requirements.py)
	@$(BIN)/python -c "from tansiq.engine.warm import warm; warm()" # Compiles the kernels, once.
	@touch $@

# What is built into the package; packages of it have it and need no Node.js.
CONSOLE := src/tansiq/console/dist/index.html
CONSOLE_TOOLS := console/node_modules/.package-lock.json
# Folders too: where a file was taken away, its folder is what is newer than the build.
CONSOLE_SOURCES := $(shell find console -mindepth 1 -name node_modules -prune -o -print 2>/dev/null)

define needs_node
@command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
  process.exit(a < 20 || (a === 20 && b < 19) ? 1 : 0)' 2>/dev/null || { \
  echo "The console is built with Node.js 20.19 or later and npm, and here is $$(node --version 2>/dev/null || echo no Node.js)$$( \
  command -v npm >/dev/null || echo ' and no npm'). Install it from https://nodejs.org or by your system's packages,"; \
  echo "or install a released wheel of Tansiq, which has the console in it."; exit 1; }
endef

console: $(CONSOLE) ## build the web console into the package (Node.js 20.19 or later, and npm)

$(CONSOLE): $(CONSOLE_TOOLS) $(CONSOLE_SOURCES)
	$(needs_node)
	@said=$$(cd console && npm run --silent build 2>&1) || { echo "$$said"; echo "the console could not be built"; exit 1; }
	@touch $@
	@echo "the console is built into $(@D)"

$(CONSOLE_TOOLS): console/package-lock.json
	$(needs_node)
	@cd console && npm ci --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

demo: setup console ## two nodes coordinate a day of real flights; ARGS=--once exits when done, ARGS="--scenario two-cells" shows three desks
	@$(BIN)/tansiq demo $(ARGS)

browser: # What the page that verifies evidence is shown in; installed where that needs no question.
	@command -v chromium chromium-browser >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing Chromium for the tests of a page" && \
	  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  echo "no Chromium: some tests will fail; install it, such as: sudo apt-get install chromium"

postgres: # What the tests of the store over a database run; installed where that needs no question.
	@test -n "$$TANSIQ_TEST_POSTGRES" || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing PostgreSQL for the tests of the store" && \
	  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; } || \
	  echo "no PostgreSQL: some tests will fail; install it, such as: sudo apt-get install postgresql, or set TANSIQ_TEST_POSTGRES"

patroni: # What the failover of a database is tried with; installed where that needs no question.
	@command -v patroni >/dev/null && command -v etcd >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing Patroni and etcd for the failover soak" && \
	  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends patroni etcd-server >/dev/null; } || \
	  echo "no Patroni or no etcd: the failover soak will fail; install them, such as: sudo apt-get install patroni etcd-server"

systemd: # What says whether the units in deploy/ are well formed; nothing of it is started.
	@command -v systemd-analyze >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing systemd for the tests of deploy/" && \
	  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends systemd >/dev/null; } || \
	  echo "no systemd-analyze: a test will fail; install it, such as: sudo apt-get install systemd"

screenshots: setup console browser ## pictures of the console: each step of the story in four languages, in build/screens; ARGS=ar for one
	@$(BIN)/python scripts/screenshots.py $(ARGS)

# One process more than cores, because many tests wait; at most four.
WORKERS := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); echo $$((n < 4 ? n + 1 : 4)))

test: setup console browser postgres systemd ## every test, in up to four processes; ARGS="-n 0 PATH" runs some, one after the other
	@$(BIN)/python -m pytest -m "not soak" -n $(WORKERS) --dist worksteal $(ARGS)

test-postgresql: setup console browser postgres systemd ## the same with every store that a test opens in a PostgreSQL database
	@TANSIQ_TEST_STORE=postgresql $(BIN)/python -m pytest -m "not soak" -n $(WORKERS) --dist worksteal $(ARGS)

check: setup $(CONSOLE_TOOLS) ## ruff, formatting, mypy strict, import contracts, spelling, types of the console
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/codespell *.md *.py docs src tests bench scripts
	@cd console && npm run --silent check

format: setup ## rewrite to the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

accept: setup ## outside judges (TANSIQ_ACCEPT, default ../shared/accept)
	@$(BIN)/python scripts/accept.py $(ARGS)

bench: setup ## speed beside the alternatives, as ratios; ARGS=--quick within a minute each
	@for b in bench/[a-z]*.py; do echo "== $$b"; $(BIN)/python $$b $(ARGS) || exit 1; done

soak: setup postgres patroni ## every figure at full size (long)
	@$(BIN)/python -m pytest -m soak $(ARGS)

clean: ## remove what the targets made
	rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis console/node_modules src/tansiq/console/dist

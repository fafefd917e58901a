# make run    install, build and serve the app on http://127.0.0.1:3000
# make test   install, then run the checks and the test suite; 15 minutes
# make prove  what of the suite takes long: more deaths, the second database, more of the pages; 14 minutes
# make bench  measure the engine beside the least that any engine could cost; 4 minutes
# make bench-live  measure tabs on a real server beside bare Reflex events; 8 minutes
# make bench-memory  measure recall from 100,000 memories beside bare numpy; 5 minutes
# make bench-runs  measure the lists and details of 100,000 runs beside those of 100; 5 minutes
# make bench-flood  measure what others feel of a client that floods the server; 5 minutes
# make bench-page  measure long threads, growing answers and a first visit in a browser beside short, quiet and bare ones; 6 minutes
# make crash  kill workers thousands of times, on both databases; 15 minutes
# make check  only ruff, mypy and the import rules
# make words  list what languages lack, with where it is said
# make lock   write the tested versions anew, from a fresh environment
# make clean  remove everything that was made, but no data

SHELL := bash
.SHELLFLAGS := -o pipefail -c
# Python keeps what it has compiled: the tests start very many processes.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check
# One line that tells which package is at hand, where somebody looks; errors go past it.
PROGRESS := if [ -t 1 ]; then awk '/^Collecting|^  Downloading|^Installing/ \
	{ printf "\r\033[K  %.70s", $$1 " " $$2; fflush() } END { printf "\r\033[K" }'; else cat > /dev/null; fi

# What runs side by side speaks when it has ended, if this make can keep it until then.
ORDERLY := $(if $(filter output-sync,$(.FEATURES)),--output-sync)

.PHONY: run test prove frontend bench bench-live bench-memory bench-runs bench-flood bench-page crash check words lock clean

run: $(VENV)/installed
	@$(BIN)/agentchat run

test: $(VENV)/installed-test
	@$(MAKE) --no-print-directory -j 2 $(ORDERLY) check frontend
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not long"

prove: $(VENV)/installed-test
	@$(BIN)/python -m tests.browser
	@$(BIN)/agentchat build
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m long

frontend: $(VENV)/installed-test
	@$(BIN)/python -m tests.browser
	@$(BIN)/agentchat build

bench: $(VENV)/installed-test
	$(BIN)/python -m tests.benchmarks

bench-live: $(VENV)/installed-test
	$(BIN)/python -m tests.benchmarks.tabs

bench-memory: $(VENV)/installed-test
	$(BIN)/python -m tests.benchmarks.memory

bench-runs: $(VENV)/installed-test
	$(BIN)/python -m tests.benchmarks.runs
	$(BIN)/python -m tests.benchmarks.run_detail

bench-flood: $(VENV)/installed-test
	@$(BIN)/agentchat build
	$(BIN)/python -m tests.benchmarks.flood

bench-page: frontend
	$(BIN)/python -m tests.benchmarks.search
	$(BIN)/python -m tests.benchmarks.page

crash: $(VENV)/installed-test
	$(BIN)/python -m tests.durability --kills 2000 --database sqlite
	$(BIN)/python -m tests.durability --kills 2000 --database postgresql

check: $(VENV)/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "agentchat needs Python 3.11 or later. Install it, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing; on Debian and Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/installed: pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing agentchat; the first time this takes a minute"
	@$(PIP) install --constraint requirements.lock --editable . | { $(PROGRESS); }
	@touch $@

$(VENV)/installed-test: pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing agentchat and what its tests need; the first time this takes a minute"
	@$(PIP) install --constraint requirements.lock --editable '.[test]' | { $(PROGRESS); }
	@touch $@ $(VENV)/installed

words: $(VENV)/installed
	@$(BIN)/python -m agentchat.ui.catalogue

lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[test]'
	$(VENV)-lock/bin/python -m pip --disable-pip-version-check freeze --exclude-editable > requirements.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) .web .web-* .states .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

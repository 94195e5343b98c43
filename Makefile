# make demo    the ward in your terminal: embedded broker, worker, scripted and real patients
# make test    what CI runs: lint, types, import contracts, every test
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_FLAGS ?=
PYTEST_FLAGS ?=
SOAK_FLAGS ?=
FUZZ_MINUTES ?= 5
BENCH_FLAGS ?=

# The engine is compiled anew only where one of its sources has changed (stream/compiled.py says which).
ENGINE := $(wildcard stream/engine/*.py stream/intake/*.py stream/worker/*.py) stream/offline.py stream/version.py
BUILD := stream/compiled.py deploy/compile_engine.py deploy/mypyc_build.py

.PHONY: help demo compile test test-broker test-waiting test-faults test-others soak bench fuzz lint types schemas kafka kafka-stop clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Stormwatch needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

# Compiling takes most of a minute, and the demo has time to spare.
$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	STORMWATCH_COMPILE=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

# What is installed is compiled by the next rule, which need not look at the dependencies again.
$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	STORMWATCH_COMPILE=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e '.[dev]'
	@touch $@ $(VENV)/.demo

# Where no C compiler is there, everything runs interpreted.
$(VENV)/.compiled: $(ENGINE) $(BUILD) $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -e .
	@touch $@

demo: $(VENV)/.demo  ## a ward to look at (DEMO_FLAGS='--speed 600' and so on)
	$(BIN)/stormwatch demo $(DEMO_FLAGS)

compile: $(VENV)/.demo  ## the engine compiled, in a third of its time; needs a C compiler
	STORMWATCH_COMPILE=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(VENV)/.compiled
	$(BIN)/stormwatch --version

# Side by side: what works with a broker, what mostly waits with one (in two parts, of which one kills), and the
# others, with lint and types.
test: $(VENV)/.compiled  ## everything that CI runs
	$(MAKE) --no-print-directory --keep-going --jobs=5 --output-sync=target \
		test-broker test-waiting test-faults test-others lint types

test-broker: $(VENV)/.compiled
	$(BIN)/python -m pytest $(PYTEST_FLAGS) --ignore-glob='*/integration/test_[dforsz]*' tests/integration

test-waiting: $(VENV)/.compiled
	$(BIN)/python -m pytest $(PYTEST_FLAGS) tests/integration/test_[forsz]*.py

test-faults: $(VENV)/.compiled
	$(BIN)/python -m pytest $(PYTEST_FLAGS) tests/faults tests/integration/test_d*.py

test-others: $(VENV)/.compiled
	$(BIN)/python -m pytest $(PYTEST_FLAGS) --ignore=tests/integration --ignore=tests/faults

soak: $(VENV)/.compiled  ## hundreds of faults, a million events, three brokers (SOAK_FLAGS='--seed 7')
	$(BIN)/stormwatch soak --kafka deploy/kafka/kafka.sh --brokers 3 --workers 3 \
		--faults 220 --events 1000000 $(SOAK_FLAGS)

bench: $(VENV)/.compiled  ## throughput, latency, state, recovery, with yardsticks; hours (BENCH_FLAGS='--quick')
	STORMWATCH_TEST_BROKER=apache $(BIN)/stormwatch bench $(BENCH_FLAGS)

fuzz: $(VENV)/.dev  ## every entry by coverage, FUZZ_MINUTES=5 for each
	STORMWATCH_FUZZ_S=$$(( $(FUZZ_MINUTES) * 60 )) $(BIN)/python -m pytest $(PYTEST_FLAGS) --timeout 0 tests/fuzz

lint: $(VENV)/.dev  ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.dev  ## mypy --strict
	$(BIN)/mypy

schemas: $(VENV)/.dev  ## write schemas/v1 anew from the models
	$(BIN)/python -m schemas.generate

kafka:  ## Apache Kafka for development (Java 17, Maven); KAFKA_FLAGS='--brokers 3'
	deploy/kafka/kafka.sh start $(KAFKA_FLAGS)

kafka-stop:  ## end it
	deploy/kafka/kafka.sh stop

clean:  ## remove the virtual environment, what was compiled, and caches
	rm -f stream/engine/*.so stream/engine/*.pyd stream/engine/*.sha256
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

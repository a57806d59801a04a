# The two commands of a newcomer: `make demo` and `make test`. Both do all the set-up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WITH_ENGINE := $(BIN)/python -m workers with-engine --
CODE := farm workers tests deploy benchmarks
SCRIPTS = .ci/run $(shell find benchmarks deploy farm tests workers -type f \( -name '*.sh' -o -path 'workers/build/scripts/*.sh' \))

.DEFAULT_GOAL := help
.PHONY: help demo test test-pair test-matrix chaos check compose-test hosts-test lint bench venv clean

help:
	@echo "make demo    build one Python for real, publish it to ./store, and run it in a Docker image"
	@echo "make test    lint, and all tests, a real build included"
	@echo "make chaos   kill, flush, fill and cut off every part of a farm that builds; TRIES=3 of each; half an hour"
	@echo "make compose-test  build the images of deploy/, start a whole farm with docker-compose, and build cells with it"
	@echo "make hosts-test  do on three hosts with systemd what docs/operating.md says: from nothing, an upgrade, disasters"
	@echo "make test-pair     two builders build two real cells at once, through Redis and an S3 server"
	@echo "make test-matrix CELLS='3.14.7-debian13-* …'   build cells of tests/e2e/cells.yaml for real, into ./store;"
	@echo "                   OPTIONS='--optimize pgo+lto' builds them optimised"
	@echo "make lint    only the linters: ruff, mypy, import-linter, shellcheck"
	@echo "make bench   measure what docs/performance.md shows; BENCH='speed …' for single ones, BENCH=long for those of hours,"
	@echo "             STORE=DIR where the Pythons are published that are measured"
	@echo "make venv    only set up the virtual environment $(VENV)"
	@echo "make clean   remove the virtual environment and what tools and tests left here; ./store stays"

demo: $(VENV)/ready
	@$(WITH_ENGINE) $(BIN)/python -m deploy.demo

test: $(VENV)/ready-dev
	@$(BIN)/python -m deploy.test_packages
	@$(WITH_ENGINE) $(MAKE) --no-print-directory check

# Everything that may befall a farm, for real: docs/reliability.md has what was seen. TRIES=10 for more, SEED=… for the same again.
chaos: $(VENV)/ready-dev
	@$(BIN)/python -m deploy.test_packages
	@rm -f chaos-rows.json
	@CHAOS=1 TRIES=$(or $(TRIES),3) $(WITH_ENGINE) $(BIN)/python -m pytest tests/chaos/test_chaos.py -m chaos -s

# What `make test` runs once an engine answers. PYTEST passes arguments on, e.g. make test PYTEST='-k sources -x'
check: lint
	$(BIN)/python -m deploy.run_tests $(PYTEST)

compose-test: $(VENV)/ready-dev
	@$(BIN)/python -m deploy.test_packages
	@$(WITH_ENGINE) $(BIN)/python -m pytest tests/deploy $(PYTEST)

# The hosts are containers that boot Debian 12; those that build have an engine within.
hosts-test: $(VENV)/ready-dev
	@$(BIN)/python -m deploy.test_packages
	@HOSTS=1 $(WITH_ENGINE) $(BIN)/python -m pytest tests/deploy/test_hosts.py $(PYTEST)

# Two real cells at once, on two builders.
test-pair: $(VENV)/ready-dev
	@$(BIN)/python -m deploy.test_packages
	@PAIR=1 $(WITH_ENGINE) $(BIN)/python -m pytest tests/e2e/test_pair.py $(PYTEST)

# CELLS: cells or globs, with spaces between them. What is in the store already is not built again. OPTIONS: any of `farm submit`,
# e.g. '--optimize pgo+lto', which the matrix itself does not ask for.
test-matrix: $(VENV)/ready
	@test -n "$(CELLS)" || { echo "test-matrix: which cells? e.g. CELLS='3.14.7-debian13-*'"; exit 2; }
	@set -f; $(WITH_ENGINE) $(BIN)/farm submit tests/e2e/cells.yaml $(OPTIONS) $(patsubst %,--only '%',$(CELLS))

lint: $(VENV)/ready-dev
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck $(SCRIPTS)

bench: $(VENV)/ready-dev
	@$(WITH_ENGINE) $(BIN)/python -m benchmarks $(if $(STORE),--store $(STORE)) $(BENCH)

venv: $(VENV)/ready-dev

$(VENV)/ready: pyproject.toml constraints.txt deploy/venv.sh
	@PYTHON='$(PYTHON)' sh deploy/venv.sh $(VENV) .
	@touch $@

$(VENV)/ready-dev: pyproject.toml constraints.txt deploy/venv.sh
	@PYTHON='$(PYTHON)' sh deploy/venv.sh $(VENV) '.[dev]'
	@touch $(VENV)/ready $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache screenshots
	find $(CODE) -name __pycache__ -type d -exec rm -rf {} +

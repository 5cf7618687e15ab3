# Two commands: `make demo` and `make test`. Everything they need is made in .venv from two locks:
# requirements.lock for the demo, requirements-dev.lock with every extra for the tests.
# The newest supported Python that runs.
FOUND = $(foreach name,python3.13 python3.12 python3.11 python3,$(shell $(name) -c \
	'import sys; print("$(name)" if (3, 11) <= sys.version_info[:2] <= (3, 13) else "")' 2> /dev/null))
PYTHON ?= $(or $(firstword $(FOUND)),$(error expected Python 3.11, 3.12 or 3.13, found none; install one (apt install \
	python3.11 python3.11-venv, or uv python install 3.13) or name it: make PYTHON=/path/to/python))
VENV := .venv
BIN := $(VENV)/bin
CORES ?= 2

# One lock for every Python and platform: markers tell what each needs.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--upgrade

# Tests run side by side, those of a file together, as they share what the file has made.
TESTS := $(BIN)/pytest --numprocesses $(CORES) --dist loadscope --durations 10

.PHONY: help demo test test-quick test-slurm check format pictures lock clean clean-all

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/installed: requirements.lock pyproject.toml
	@echo "Installing into $(VENV): about 6 GB, most of it torch and CUDA's libraries; once, some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

# Every extra, and what checks and tests need.
$(VENV)/complete: $(VENV)/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	touch $@

demo: $(VENV)/installed  ## run the whole workflow on made-up data and print the metrics
	$(BIN)/snakemake --cores $(CORES) results/demo/metrics.json
	$(BIN)/python -m img show results/demo/metrics.json
	@echo "metrics:     results/demo/metrics.json"
	@echo "predictions: results/demo/runs/*/seed*/predictions.parquet"
	@echo "features:    results/demo/features/{i3d,pann}/*.npy, each beside a .json that says how it was made"

test: check  ## check formats, types, layers and workflow, and run every test but the GPU's and Slurm's
	$(TESTS)

test-quick: $(VENV)/complete  ## run the tests that take a moment and start no workflow
	$(TESTS) -m "not gpu and not slurm and not workflow and not slow"

test-slurm: $(VENV)/complete  ## run the workflow, and what can go wrong, on a throwaway Slurm (root; slurm-wlm, munge)
	$(BIN)/pytest -m slurm tests/slurm

check: $(VENV)/complete  ## formats, lint, types and layers only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

format: $(VENV)/complete  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt workflow

pictures: $(VENV)/complete  ## draw docs/architecture.svg and docs/dag.svg from the code (needs Graphviz's `dot`)
	$(BIN)/python docs/draw_architecture.py | dot -Tsvg > docs/architecture.svg
	$(BIN)/snakemake --rulegraph dot -- results/demo/metrics.json | dot -Tsvg > docs/dag.svg

lock: $(VENV)/complete  ## pin the newest versions that pyproject.toml allows
	$(COMPILE) --all-extras --output-file requirements-dev.lock pyproject.toml
	$(COMPILE) --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml

clean:  ## remove results and logs; computed features and runs stay in results/store
	find results -mindepth 1 -maxdepth 1 -not -name store -exec rm -rf {} + 2> /dev/null || true
	rm -rf logs resources/demo .snakemake

clean-all:  ## remove the store too, after a question
	@printf 'Remove results/ with its store (%s), logs/ and resources/demo/? Type yes: ' \
		"$$(du -sh results 2> /dev/null | cut -f1)"; \
	read -r answer && [ "$$answer" = yes ] && rm -rf results logs resources/demo .snakemake || echo "nothing removed"

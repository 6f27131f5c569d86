# Thin names for commands that a reader could type. `make repro` is the whole of it, on a fresh clone too.
#
#   make, make help             this list
#   make repro                  sets up, makes or pulls the raw data, and runs the pipeline
#   make repro RAW=<folder>     the same on any folder of raw files, in work/<its name>/ (NAME=<name> for another)
#   ... TRUST=1                 there, the folder may name files outside of it, and run an encoder
#   ... EXPERIMENTS=a,b         there, these experiments of params.yaml in place of those that `run` names
#   make splits [RAW=<folder>]  experiments once for each of the five folds: means, values, intervals
#   make variants [RAW=...]     variants of an experiment with three seeds, on val
#   make compare AGAINST=<commit>   the results of the working tree beside that commit's
#   make check                  in under a minute: lint, types and the quick tests without TensorFlow
#   make test                   sets up, then lint, types and all tests
#   make docs                   the pages of docs/ as a site: docs/_build/index.html, readable offline
#   make test-docs              after make repro: runs the commands of README and docs, follows the links
#   make test-team              a team's services for real: PostgreSQL (apt-get install postgresql), MLflow, S3
#   make test-faults            a sample of kills, stops, damage, full disks, odd requests, floods: a quarter of an hour
#   ... FULL=1 SEED=<number>    hours of them, which go on where they were; work/faults/results.json
#   make setup | data | lint    parts of these
#   make ui                     MLflow's pages on the runs
#   make serve [RAW=<folder>]   the champion behind HTTP on port 5001, behind nginx where that is installed;
#                               LISTEN=<host>:<port> for another address
#   make dashboard [RAW=...]    Optuna's dashboard on the studies, also while they run, on port 8080 (LISTEN as above)
#   make bench                  how fast it serves, encodes and searches on this machine, beside others
#   make lock                   requirements.txt again, from pyproject.toml
#   make hooks                  has git check every commit: .pre-commit-config.yaml

SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
# The environment of some systems holds a NAME of its own.
WORKSPACE_NAME := $(if $(filter command%,$(origin NAME)),--name "$$NAME")
# Reaches the shell as it was typed: make would expand a `$` in it, `$(shell ...)` too.
AS_TYPED = $(if $(filter undefined,$(origin $(1))),,$(eval override $(1) := $$(value $(1)))$(eval export $(1)))
$(foreach name,RAW NAME EXPERIMENTS AGAINST LISTEN,$(call AS_TYPED,$(name)))
WORKSPACE_TRUST := $(if $(filter 1,$(TRUST)),--trust)
WORKSPACE_RUN := $(if $(EXPERIMENTS),--experiments "$$EXPERIMENTS")
# Two setups at once: the second waits, then finds the work done. Not every system has flock.
LOCKED := $(if $(shell command -v flock),flock Makefile)

.PHONY: help setup data repro splits variants compare check test test-team test-faults docs test-docs lint lock hooks ui serve dashboard bench

# The comment at the top of this file.
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

setup:
	@$(LOCKED) $(MAKE) -s .venv/.complete

# The mark goes first and comes back last: an installation that was killed half-way starts again from nothing.
.venv/.complete: requirements.txt pyproject.toml
	@if [ -e $@ ]; then rm $@; else $(NEW_VENV); fi
	@echo "Installing the locked dependencies into .venv; this takes half a minute to two minutes."
	@bash pipelines/install.sh
	@python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

define NEW_VENV
for python in python3.11 python3.12 python3.13 python3 python; do \
  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
  then $$python -m venv --clear .venv; exit; fi; done; \
echo "error: no Python 3.11, 3.12 or 3.13 found as python3.11, python3, python, ...;" \
  "install one and call make again" >&2; exit 1
endef

data: setup
	@python pipelines/data.py

ifdef RAW
repro: setup
	@workspace="$$(python pipelines/workspace.py "$$RAW" $(WORKSPACE_NAME) $(WORKSPACE_TRUST) $(WORKSPACE_RUN))" \
	  && cd "$$workspace" && PYTHONPATH=src python pipelines/repro.py
else ifdef EXPERIMENTS
repro:
	@echo "error: EXPERIMENTS needs RAW=<folder>; on the checkout's own data name them in params.yaml, run," \
	  "or for once: dvc exp run -S 'run=[$$EXPERIMENTS]'" >&2; exit 2
else
repro: data
	@PYTHONPATH=src python pipelines/repro.py
endif

# Both train many times over, in work/splits and work/variants of the checkout, or of a workspace with RAW.
SPLITS = python pipelines/splits.py data artifacts/songs.parquet artifacts/rows.parquet \
  --corpus artifacts/corpus.json $(if $(EXPERIMENTS),--experiments "$$EXPERIMENTS")
WORKSPACE = $(if $(RAW),cd "$$(python pipelines/workspace.py "$$RAW" $(WORKSPACE_NAME) $(WORKSPACE_TRUST))" && )

splits: setup
	@$(WORKSPACE)PYTHONPATH=src $(SPLITS) --out work/splits

variants: setup
	@$(WORKSPACE)PYTHONPATH=src $(SPLITS) --out work/variants --variants --folds 0 \
	  --seeds 1,2,3 --split val

compare: setup
	@PYTHONPATH=src python pipelines/compare.py "$$AGAINST"

# Linters, types and, if any, tests. Types take half a minute and one core: they run beside the rest, and come last.
check: setup
	@$(call CHECK,$(PYTEST) --quick)

define CHECK
types="$$(mktemp)"; basedpyright > "$$types" 2>&1 & typing=$$!; \
trap 'kill $$typing 2> /dev/null; rm -f "$$types"' EXIT; failed=; \
ruff check . || failed+=' "ruff check"'; \
ruff format --check . || failed+=' "ruff format"'; \
lint-imports || failed+=' lint-imports'; \
$(1) || failed+=' pytest'; \
wait $$typing || failed+=' basedpyright'; cat "$$types"; \
[ -z "$$failed" ] || { echo "error: make $@: failed:$$failed; what each said is above" >&2; exit 1; }
endef

# A file's tests share what they set up: they stay in one of two processes. With two processes on two cores, the
# threads of NumPy's, scikit-learn's and TensorFlow's would be in each other's way.
PYTEST = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 \
  pytest -n 2 --dist loadfile

# In the order of tests/conftest.py.
test: setup
	@$(call CHECK,$(PYTEST) --no-loadscope-reorder)

# The lock leaves out what only this needs; pip adds it and moves nothing that is there.
test-team: setup
	@python -c 'import dvc_s3, moto, psycopg' 2>/dev/null \
	  || python -m pip install -qq --disable-pip-version-check --no-build-isolation -e '.[team]'
	pytest -m team tests/team

# After make repro. Both run, whatever the first says; pytest ends with 5 where no test is marked.
test-faults: setup
	@code=0; pytest -m faults tests || code=$$?; [ $$code -ne 5 ] || code=0; \
	python -m faults $(if $(FULL),--full) $(if $(SEED),--seed "$$SEED") || code=$$?; exit $$code

# A warning, such as a link that leads nowhere or a figure that no file holds, ends it. -E: figures may have moved.
docs: setup
	@sphinx-build -q -E -W --keep-going docs docs/_build
	@echo "docs/_build/index.html"

test-docs: docs
	pytest docs

lint: setup
	@$(call CHECK,true)

lock: setup
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --python-version 3.11 --extra train --extra dashboard --extra docs --extra dev -q -o requirements.txt pyproject.toml

hooks: setup
	pre-commit install

ui: setup
	mlflow ui

# exec: a signal that ends make reaches the script, not a shell that would leave it behind.
serve dashboard: setup
	@$(if $(RAW),workspace="$$(python pipelines/workspace.py "$$RAW" $(WORKSPACE_NAME) $(WORKSPACE_TRUST))" && ) \
	  PYTHONPATH=src exec python pipelines/$@.py $(if $(RAW),"$$workspace") $(if $(LISTEN),--listen "$$LISTEN")

bench: setup
	python -m benchmarks

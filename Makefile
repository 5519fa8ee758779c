# `make` prints this list. EXPERIMENT=name is a file experiments/name.toml, GRID=name one of experiments/grids.

EXPERIMENT ?= demo
GRID ?= capped
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install teachers distill reproduce report test test-ci test-all lint docs dist bench gpu clean

help:  ## print this list
	@echo 'structkd: many monolingual sequence labellers into one multilingual model, in two offline stages'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo
	@echo '  EXPERIMENT=name   one of:' $(basename $(notdir $(wildcard experiments/*.toml))) '(default: demo)'
	@echo '  GRID=name         one of:' $(basename $(notdir $(wildcard experiments/grids/*.toml))) '(default: capped)'

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("structkd needs Python 3.11 or newer; call make PYTHON=python3.x" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

install: $(STAMP)  ## make .venv and install the pinned dependencies

teachers: $(STAMP)  ## stage one: train the teachers and write what they know to Parquet shards
	@$(BIN)/structkd teachers $(EXPERIMENT)

distill: $(STAMP)  ## both stages: teachers, then one multilingual student per system; prints the table
	@$(BIN)/structkd distill $(EXPERIMENT)

reproduce: $(STAMP)  ## run what GRID=name lacks: tasks by systems by seeds, rows in results/
	@$(BIN)/structkd reproduce $(GRID)

report: $(STAMP)  ## write a page of what has been run; EXPERIMENT may name a grid
	@$(BIN)/structkd report $(EXPERIMENT)

test: $(STAMP)  ## run the tests, without whole runs in processes of their own
	$(BIN)/pytest -n 2 --dist loadfile -m 'not slow and not long'

test-ci: $(STAMP)  ## add the whole runs, which often wait: three at a time for two cores
	$(BIN)/pytest -n 3 --dist loadfile

test-all: $(STAMP)  ## add the slow tests and those on the real corpora, with new random examples
	$(BIN)/pytest -n 2 --dist loadfile -m '' --hypothesis-profile=new

lint: $(STAMP)  ## ruff, mypy and the walls of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)  ## build the site of the documentation into site/
	$(BIN)/mkdocs build --quiet

dist: $(STAMP)  ## build both distributions into dist/: structkd, and structkd-runtime, which tags without torch
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/python -m build --no-isolation --outdir dist runtime

$(VENV)/.bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch $@

bench: $(VENV)/.bench  ## measure speed against public CRFs and between the stages' parts; prints tables of ratios
	$(BIN)/python -m benchmarks.crf
	$(BIN)/python -m benchmarks.stages
	$(BIN)/python -m benchmarks.training $(if $(FLAIR),--flair $(FLAIR))
	$(BIN)/python -m benchmarks.reader
	$(BIN)/python -m benchmarks.online
	$(BIN)/python -m benchmarks.encoders
	$(BIN)/python -m benchmarks.runtime $(if $(FLAIR),--flair $(FLAIR)) $(if $(SPACY),--spacy $(SPACY))
	$(BIN)/python -m benchmarks.serving --requests 400 --many 0

# Eight minutes on one GPU, and no network once installed. The last step needs the corpora and the pruned encoder.
gpu: $(VENV)/.bench  ## what a GPU must show: its tests, speed (results/gpu.md), cells of GRID=small
	$(BIN)/pytest -q tests/cuda tests/crf/test_cuda.py tests/tagger tests/student/test_devices.py -k 'cuda or devices'
	$(BIN)/python -m benchmarks.gpu $(if $(ENCODER),--encoder $(ENCODER))
	$(if $(STRUCTKD_ENCODERS),$(BIN)/python -m benchmarks.gpu.cells small --seconds 240)

clean:  ## remove .venv and caches; runs/ is kept
	rm -rf $(VENV) site .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist *.egg-info runtime/build runtime/*.egg-info

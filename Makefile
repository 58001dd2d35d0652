# `make book` and `make test` need Python 3.11 to 3.13 and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin

# Of another Python's settings none reaches this one.
unexport $(filter-out PYTHON PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED,$(filter PYTHON%,$(.VARIABLES)))

# Torch spins on busy cores; one thread a process, and tasks side by side.
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

PYTEST := $(BIN)/python -m pytest
PARALLEL := -n 2 --dist loadfile
# Few tests, each long, and half of them in two files: shared out one by one.
ONE_BY_ONE := -n 2 --dist worksteal
# While the quick tests run; the long ones call the same functions.
HOOK := --jaxtyping-packages=paper_lib,experiments,beartype.beartype
NOTEBOOKS := $(wildcard book/*.ipynb)
NBVAL := $(PYTEST) --nbval --nbval-cell-timeout=300 -p no:cacheprovider $(PARALLEL) $(NOTEBOOKS)

.DEFAULT_GOAL := help
.PHONY: help setup book pdf browser lab test check proofs lint types notebooks experiments study bench regen clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Install everything into .venv (the other targets do it by themselves)
	@$(PYTHON) tools/make_environment.py

book: setup  ## Execute the notebooks, build the book, print where to open it
	$(BIN)/python tools/build_book.py book

pdf: browser book  ## Print the whole book as one PDF file (needs Chromium)
	$(BIN)/python tools/print_book.py

browser: setup
	@$(BIN)/python tools/print_book.py --check

lab:  ## Open the notebooks in JupyterLab, installed at the first call (ARGS="--help")
	@$(PYTHON) tools/make_environment.py lab
	$(BIN)/python tools/open_lab.py $(ARGS)

test: setup  ## Run the tests and check the notebooks' stored outputs
	$(PYTEST) $(HOOK) $(PARALLEL) -m "not slow and not gpu and not fulldata" --doctest-modules paper_lib experiments tests
	$(NBVAL)

check: setup lint types  ## Lint, types, slow and full-data tests, other kernels, proofs
	$(PYTEST) $(ONE_BY_ONE) -m "slow or gpu or fulldata" tests
	ATEN_CPU_CAPABILITY=default $(NBVAL)
	$(PYTHON) tools/check_proofs.py --if-present

proofs:  ## Check the proofs with Coq (needs coqc), print the axioms they use
	$(PYTHON) tools/check_proofs.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/python -m pyright

notebooks: setup  ## Execute the notebooks and refresh their stored outputs
	$(BIN)/python tools/build_book.py notebooks

# The whole, or a part of Table 1: make experiments DATASET=mnist PAIRS=0-1,3-5 SEEDS=0
# A part is calibrated on its own pairs and goes to a store of its own.
DATASET ?= mnist,fashion-mnist
PAIRS ?= all
SEEDS ?= 0,1,2,3,4
WORKERS ?= 2
SCHEDULER ?=
# DEVICE=cuda: the primary choice, all pairs of a data set as one batch on a GPU
DEVICE ?= cpu
BATCHED := $(if $(filter cpu,$(DEVICE)),False,True)
PRIMARY_ONLY ?= $(BATCHED)
RUN := $(BIN)/python tools/build_book.py run
PART := $(filter command line environment,$(origin DATASET) $(origin PAIRS) $(origin SEEDS))
STORE ?= $(if $(PART),_build/experiments,results)/table1$(if $(filter cpu,$(DEVICE)),,_gpu)
# The shell reads these from its environment: a value may hold spaces and quotes.
export DATASET PAIRS SEEDS WORKERS SCHEDULER DEVICE PRIMARY_ONLY STORE

experiments: setup  ## Compute the stored results that are missing, on the complete data
	$(if $(PART)$(filter-out cpu,$(DEVICE)),,$(RUN) book/mnist_0_against_1.ipynb _build/experiments/mnist_0_against_1.ipynb \
	  -p compute True --timeout 36000)
	$(RUN) book/all_pairs.ipynb _build/experiments/all_pairs.ipynb -p compute True \
	  -p datasets "$$DATASET" -p pairs "$$PAIRS" -p seeds "$$SEEDS" \
	  -p workers "$$WORKERS" -p scheduler "$$SCHEDULER" \
	  -p device "$$DEVICE" -p batched $(BATCHED) -p primary_only "$$PRIMARY_ONLY" \
	  --path store "$$STORE" --timeout 360000
	$(if $(PART)$(filter-out cpu,$(DEVICE)),,$(RUN) book/sharper_bounds.ipynb _build/experiments/sharper_bounds.ipynb \
	  -p compute True -p workers "$$WORKERS" --timeout 36000)
	$(if $(PART)$(filter-out cpu,$(DEVICE)),,$(RUN) book/local_linearity.ipynb _build/experiments/local_linearity.ipynb \
	  -p compute True -p workers "$$WORKERS" --timeout 36000)

study: setup  ## The factorial study of Table 1, what is missing of it (ARGS="--help")
	$(BIN)/python -m experiments.study $(ARGS)

bench: setup  ## Attacks beside plain torch and peers, the defense beside references, sweeps
	$(BIN)/python -m benchmarks

regen: setup  ## Rewrite the regression tests' expected values (say why in CHANGELOG)
	$(BIN)/python tests/regression/regenerate.py

clean:  ## Remove build products, not the environment
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

# Everything a fresh clone needs is Python 3.11 or newer, pip and make.
PYTHON ?= python3
# The CPU build where the registry has one; a plain "torch" pulls gigabytes of CUDA packages on Linux.
TORCH ?= torch==2.13.0
DEMO := .venv-demo
DEV := .venv

.PHONY: demo test check fix load indobert clean

demo: $(DEMO)/installed
	@mkdir -p demo-out
	$(DEMO)/bin/netralitas tag data/sample-feed.jsonl -o demo-out/records.jsonl --show

test: check
	$(DEV)/bin/python -m pytest

check: $(DEV)/installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy

load: $(DEV)/installed
	$(DEV)/bin/python -m tests.load_serve

indobert: $(DEV)/installed
	$(DEV)/bin/python -m tests.indobert_shape

fix: $(DEV)/installed
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

$(DEMO)/installed: pyproject.toml $(wildcard nlp/*.py nlp/*.json nlp/cli/*.py models/netral-small/*)
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --disable-pip-version-check .
	@touch $@

$(DEV)/installed: pyproject.toml
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(DEV)/bin/python -m pip install --quiet --disable-pip-version-check -e ".[train,serve,formats,dev]"
	@touch $@

clean:
	rm -rf $(DEMO) $(DEV) demo-out build dist *.egg-info

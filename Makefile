# Two commands carry the project: `make run` opens the window, `make test` checks everything.
PYTHON ?= python3
READY := .venv/.ready

.PHONY: run test test-all bench lint samples icons screenshots sanity-scores bar-lengths reliability package package-test clean

run: $(READY)
	.venv/bin/galaxyscope --samples

# Files of tests are dealt out to at most four processes.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile

test: $(READY) lint
	.venv/bin/pytest $(PARALLEL) -m "not slow and not benchmark"

test-all: $(READY) lint
	.venv/bin/pytest $(PARALLEL) -m "not benchmark"

# `make bench DEVICE=cuda`: on a graphics card.
DEVICE ?= cpu
bench: $(READY)
	.venv/bin/pytest -m benchmark -s tests/benchmarks --device $(DEVICE)

lint: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

samples: $(READY)
	.venv/bin/python scripts/make_samples.py

icons: $(READY)
	.venv/bin/python scripts/make_icons.py

screenshots: $(READY)
	scripts/screenshots

sanity-scores: $(READY)
	.venv/bin/python scripts/sanity_scores.py --data ../shared/data/radio

bar-lengths: $(READY)
	.venv/bin/python scripts/direct_lengths.py --data ../shared/data -o runs/said.csv
	.venv/bin/python scripts/bar_lengths.py --data ../shared/data --said runs/said.csv

# Figures of docs/reliability.md: `make reliability SEED=7`; about an hour on an idle machine.
SEED ?= 1
reliability: $(READY)
	nice -n 15 .venv/bin/python -m scripts.reliability kill --seed $(SEED)
	nice -n 15 .venv/bin/python -m scripts.reliability actions --seed $(SEED)
	nice -n 15 .venv/bin/python -m scripts.reliability quitting --seed $(SEED)
	nice -n 15 .venv/bin/python -m scripts.reliability fuzz --seed $(SEED)

package: $(READY)
	packaging/linux/build-deb

package-test: $(READY)
	packaging/linux/smoke-test
	packaging/smoke-wheel

$(READY): pyproject.toml constraints.txt scripts/setup
	PYTHON="$(PYTHON)" scripts/setup

clean:
	rm -rf .venv build dist

# `make demo` and `make test` do all the set-up themselves, in .venv: the first the light set, the second the complete
# one. On Windows see the README.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
# LOWEST=1 sets up the lowest versions that requirements.txt allows.
CONSTRAINTS := $(if $(LOWEST),-c requirements-lowest.txt)
SUPPORTED := import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 14) else \
	f"Python 3.10 to 3.14 is needed, but $(PYTHON) is {v[0]}.{v[1]}; name another, as in: make $(MAKECMDGOALS) PYTHON=python3.12")

.PHONY: demo test test-slow test-all lint types clean

demo: .venv/light  ## the sample photo, drawn to output.png
	$(BIN)/python demo_image.py

test: .venv/ready  ## the quick tests, on all cores
	$(BIN)/python -m pytest -q -m "not slow" -n auto

test-slow: .venv/ready  ## the tests that load TensorFlow or a trained network, or run many processes
	$(BIN)/python -m pytest -q -m slow -n auto --dist loadfile

test-all: test test-slow  ## all tests

lint: .venv/ready-dev  ## style, spelling and links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files -z | xargs -0 $(BIN)/codespell
	$(BIN)/python -m pytest -q tests/test_links.py

types: .venv/ready-dev
	$(BIN)/mypy

clean:
	rm -rf .venv .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis output.png groupings.csv \
		groupings.png worst.jpg lab.zip explain.html

.venv/light: requirements-light.txt requirements-lowest.txt pyproject.toml
	@$(PYTHON) -c '$(SUPPORTED)'
	$(PYTHON) -m venv .venv
	$(PIP) -r requirements-light.txt $(CONSTRAINTS)
	$(PIP) --no-deps -e .  # the command openpose-lab
	touch $@

.venv/ready: .venv/light requirements.txt
	$(PIP) -r requirements.txt $(CONSTRAINTS)
	touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $@

# Two commands: `make demo` to look, `make test` to trust. Both work on a machine with Python 3.11+, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A smaller PyTorch without CUDA: make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
PIP_FLAGS := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
CODE := models crawler classifier pipeline review_ui tests

.PHONY: demo test bench lint chromium clean

demo: $(VENV)/.runtime chromium
	$(BIN)/netra demo

test: $(VENV)/.dev chromium lint
	$(BIN)/pytest

bench: $(VENV)/.dev chromium
	$(BIN)/netra bench

lint: $(VENV)/.dev
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

# PATH first, then Playwright's own browser, then the system's packages.
chromium: $(VENV)/.runtime
	@$(BIN)/python -c "from crawler.capturing.chromium import find_chromium; find_chromium()" 2>/dev/null \
	|| timeout 300 $(BIN)/playwright install --with-deps chromium >/dev/null 2>&1 \
	|| (apt-get update -qq && apt-get install -y -qq chromium) \
	|| { echo "Chromium is missing: install it with your system's package manager, then repeat."; exit 2; }

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet $(PIP_FLAGS) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/pip install --quiet --upgrade "pip>=25.1" # knows dependency groups
	$(BIN)/pip install --quiet $(PIP_FLAGS) --group dev
	@touch $@

clean:
	rm -rf $(VENV) demo-data

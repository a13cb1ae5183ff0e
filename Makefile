# `make` sets everything up and does the main job; `make test` passes the tests.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
# The first that is a Python 3.11 to 3.13; `python` and scripts/install.py tell where none is.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(FITS)' 2>/dev/null && { echo $$python; exit; }; done; echo python3)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# One thread each: the work is many small arrays, and several processes share the cores.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# Compiled files are kept, whatever the machine's default: thousands of processes import the same modules.
export PYTHONDONTWRITEBYTECODE :=
# Three workers on two cores, since much of a test is waiting; tests/conftest.py orders the files.
PYTEST := pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: all install python book site notebooks wheel wheels class test pytest quality margins coverage oldest lint lock newest clean

all: install
	@$(MAKE) --no-print-directory -j2 book class
	@echo
	@echo "book:      _build/html/index.html"
	@echo "notebooks: release/batchnorm/batchnorm.ipynb and its neighbors"
	@echo "feedback:  sample_class/feedback/<student>/batchnorm/batchnorm.html"
	@echo "report:    sample_class/reports/batchnorm.html"

install: python
	@$(PYTHON) scripts/install.py

# Where there is none, or one too old to read scripts/install.py; that tells the rest.
python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null || { echo "error: \`$(PYTHON)\` is no \
	Python 3.11 to 3.13; install one and name it: \`make PYTHON=python3.11\`." >&2; exit 1; }

# A failing cell or a broken link fails the build: -W makes warnings errors, -n checks every reference.
book: notebooks
	jupyter-book build . -W -n --keep-going -q 2>&1 | { grep -v "Kernel is running over TCP" || true; }
	python scripts/live.py

# What goes on a static host: BOOK_URL=https://host/path make site. The PDF needs Chromium.
site: python
	@$(PYTHON) scripts/install.py --test
	@$(MAKE) --no-print-directory book
	python scripts/pdf.py
	@echo "publish the folder _build/html"

# source/ from reference/, release/ from source/; each release folder gets the wheel that its notebook imports.
notebooks: install wheel
	python -m reference.assemble
	@rm -f release/*/*.whl
	@for folder in release/*/; do cp dist/normlab-*.whl "$$folder"; done

wheel: install
	@rm -f dist/normlab-*.whl
	@python -m build --wheel --no-isolation --outdir dist packaging/normlab >/dev/null

# What a release gives out: both wheels, in dist/, each tried alone in an empty environment.
wheels: install
	@rm -f dist/*.whl
	python scripts/try_wheels.py

# A class of 24, right, wrong, late and broken, graded as an instructor would grade it.
class: notebooks
	@rm -rf sample_class
	python -m reference.sample_class sample_class batchnorm
	autograder grade batchnorm --course-dir sample_class
	@autograder report batchnorm --course-dir sample_class > /dev/null

test: python
	@$(PYTHON) scripts/install.py --test
	@$(MAKE) --no-print-directory -j2 --output-sync lint book
	@$(MAKE) --no-print-directory -j2 quality pytest

pytest:
	python -m $(PYTEST)

# Branch coverage of each package by all tests, about 20 minutes; pyproject.toml names what cannot be measured.
coverage: export COVERAGE_FILE := $(CURDIR)/build/coverage/data
coverage: python
	@$(PYTHON) scripts/install.py --test
	@$(MAKE) --no-print-directory book
	@rm -rf build/coverage
	coverage run -m $(PYTEST)
	coverage combine -q
	for package in autograder normlab reference; do coverage report --include="$$package/*"; done

# The oldest NumPy and Matplotlib that pyproject.toml promises: the reference, the right answers and the notebooks.
oldest: install
	uv venv -q --clear --python .venv/bin/python build/oldest
	uv pip install -q --python build/oldest/bin/python --resolution lowest-direct -r pyproject.toml
	uv pip install -q --python build/oldest/bin/python hypothesis markdown-it-py nbformat pytest pytest-timeout
	build/oldest/bin/python -m pytest tests/test_checks.py tests/test_reference_*.py
	build/oldest/bin/python -m pytest tests/test_mistakes.py -k right_answer
	for notebook in source/*/*.ipynb; do build/oldest/bin/python -m normlab check "$$notebook"; done

# What is generated is fresh, and the grader as good as it claims; told in one piece, since tests run beside it.
quality: notebooks
	git diff --exit-code --stat -- source release
	@mkdir -p build
	@trap 'cat build/quality.txt' EXIT; python -m reference.quality > build/quality.txt 2>&1

# Every known answer under the checks' own seed, and a class graded twice; a test run takes samples of both.
margins: install
	python -m reference.stability --long --seeds 1 --repeat 2

lint:
	ruff check .
	ruff format --check .
	mypy
	vulture
	lint-imports --no-cache

lock:
	uv pip compile pyproject.toml $(UPGRADE) --all-extras --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" -o requirements.lock

# The lock with the newest version of each package; the weekly workflow tests it.
newest: UPGRADE = --upgrade
newest: lock

clean:
	rm -rf _build build dist sample_class release/*/*.whl

# make demo    sets up an environment and shows the main job, on a real OpenStack Swift that it starts itself
# make test    sets up an environment and runs the tests
#
# Both need Python 3.12 or newer and nothing else. The environment is made once and made anew when pyproject.toml
# changes. It stands in VENV; PYTHON chooses the interpreter, TESTS what pytest is given:
#
#     make test VENV=.venv-3.12 PYTHON=python3.12 TESTS="tests/storage -x"

VENV ?= .venv
PYTHON ?=
TESTS ?= -n auto --dist worksteal
GROUP ?= dev

NEEDED = modos needs Python 3.12 or newer with the modules venv and ensurepip (Debian, Ubuntu: apt install python3-venv)
INTERPRETERS = python3 python3.14 python3.13 python3.12 python "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python
SUITABLE = import sys, venv, ensurepip; sys.version_info >= (3, 12) or sys.exit(1); print(sys.executable)

python = $(VENV)/bin/python
install = $(python) -m pip install --quiet --disable-pip-version-check

# What one process of the tests has compiled, the others need not compile again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo environment test lint docs schema check clean
.DELETE_ON_ERROR:

demo: $(VENV)/.ready-for-demo
	$(python) -m modos demo

environment: $(VENV)/.ready

test: $(VENV)/.ready
	$(python) -m pytest $(TESTS)

lint: $(VENV)/.ready
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(VENV)/bin/lint-imports

docs: $(VENV)/.ready
	NO_MKDOCS_2_WARNING=1 $(python) -m mkdocs build --strict

schema: $(VENV)/.ready
	$(python) schemas/generate.py --check

check:
	bash .ci/run

clean:
	rm -rf $(VENV) .venv-ci build dist site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find modos schemas tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready-for-demo: pyproject.toml | $(python)
	@echo "Installing what the demonstration needs in $(VENV); this takes about a minute, once."
	@$(install) --upgrade 'pip>=25.1'
	@$(install) --editable '.[cli,genomics,swift,swift-server]'
	@touch $@

$(VENV)/.ready: pyproject.toml | $(python)
	@echo "Installing modos and all that its development needs in $(VENV); this takes about two minutes, once."
	@$(install) --upgrade 'pip>=25.1'
	@$(install) --editable '.[all,keystone-server,swift-server]' --group $(GROUP)
	@touch $@ $(VENV)/.ready-for-demo

$(python):
	@for candidate in $(or $(PYTHON),$(INTERPRETERS)); do \
	  found=$$("$$candidate" -c '$(SUITABLE)' 2>/dev/null) && break; \
	done; \
	if [ -z "$$found" ]; then echo "$(NEEDED); looked for $(or $(PYTHON),python3 and python3.12 to python3.14)." >&2; exit 1; fi; \
	echo "Making $(VENV) with $$found"; \
	"$$found" -m venv --clear $(VENV)

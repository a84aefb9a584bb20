# make demo and make test each do everything on an empty machine; what is done is not done again.

VENV := .venv
BIN := $(VENV)/bin
BUILD := build
PEERS := $(BUILD)/peers
DEMO_TIME ?= 60s

# The environment is made again when its place, the project file or the tested versions change.
STAMP := $(VENV)/.stepwell-$(shell (pwd; cat pyproject.toml constraints.txt) | cksum | tr ' ' -)
SOURCES := $(shell find stepwell -name '*.py' -o -name '*.yaml' -o -name '*.html' -o -name '*.css')

.PHONY: setup demo test lint fuzz bench install-check clean
.SILENT:

setup: $(STAMP)

# The first python that is new enough and can make environments; 3.11 is what Stepwell is tested with.
$(STAMP):
	python=; for name in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	    if "$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	    then python="$$name"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Stepwell needs Python 3.11 or newer with the venv module; found: $$(python3 -V 2>/dev/null || echo none)." >&2; \
	    echo "  do: install it (on Debian and Ubuntu: apt install python3 python3-venv), then run make again" >&2; \
	    exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$python" -V); an empty one takes about 1 GB."; \
	case "$$($(BIN)/pip --version 2>/dev/null)" in \
	    *"$(CURDIR)/$(VENV)/"*) ;; \
	    *) "$$python" -m venv --clear $(VENV) ;; \
	esac
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[train,dev]"
	rm -f $(VENV)/.stepwell-*
	touch $@

demo: $(BUILD)/demo.done
	echo "The report is at $(BUILD)/demo/report.html"

# Trained again only when the program changed.
$(BUILD)/demo.done: $(STAMP) $(SOURCES)
	mkdir -p $(BUILD)
	rm -rf $(BUILD)/digits $(BUILD)/demo
	$(BIN)/stepwell sample image_classification $(BUILD)/digits
	$(BIN)/stepwell train image_classification $(BUILD)/digits --time $(DEMO_TIME) --run $(BUILD)/demo
	touch $@

# A file of tests stays on one worker, so that what its tests share is made once; in the order of the folders, in which
# the longest (artifact, contract) come first.
test: lint
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder

# Each check keeps quiet unless it fails.
lint: setup
	for check in "ruff check" "ruff format --check" "mypy --strict stepwell" "lint-imports"; do \
	    said=$$($(BIN)/$$check 2>&1) || { echo "$$said"; echo "failed: $$check" >&2; exit 1; }; \
	done

# The property tests with many more, and ever new, examples.
fuzz: setup
	$(BIN)/pytest -q -m hypothesis --hypothesis-profile fuzz

# What is claimed, measured; a benchmark whose data is absent says so and passes.
bench: setup $(PEERS)/made
	for one in benchmarks/*.py; do \
	    case "$$one" in */loop.py) python=$(PEERS)/bin/python ;; *) python=$(BIN)/python ;; esac; \
	    "$$python" "$$one" || exit 1; \
	done

# The trainers that Stepwell's loop is compared with, in an environment of their own that stands on Stepwell's: the same
# torch, the same numpy. Without a network they are left out, and tried again the next time.
$(PEERS)/made: $(STAMP) benchmarks/peers.txt
	rm -rf $(PEERS)
	$(BIN)/python -m venv $(PEERS)
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
	    > "$$($(PEERS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/stepwell.pth"
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r benchmarks/peers.txt \
	    && touch $@ || echo "The other trainers cannot be installed (is there a network?): they are left out."

# Both installs, each in an empty environment.
install-check:
	bash .ci/install-check

clean:
	rm -rf $(VENV) $(BUILD) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find stepwell tests -name __pycache__ -type d -prune -exec rm -rf {} +

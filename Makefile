# Every target sets up what it needs; `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

python := .venv/bin/python
venv := .venv/complete
fuzz_venv := .venv-fuzz/complete

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(venv) ## watch a recorded outage: alerts as they come, metrics and a page on port 10068 until Ctrl-C
	.venv/bin/mpathd-watch replay --speed 4

.PHONY: test
test: test-core test-rest ## run the unit, golden, component and field tests; the core must be covered to the last branch

.PHONY: test-sid
test-sid: $(venv) ## run the tests in a chroot of Debian sid, on its Python and libraries; needs root
	$(python) -m tests.chroot

.PHONY: check
check: check-format check-lint check-types check-spelling check-words check-shell check-unit check-docs check-security check-hardware-table check-metrics check-rules check-dashboards ## run every static check

.PHONY: deb
deb: ## build dist/mpathd-watch_VERSION_all.deb
	tools/build-deb

.PHONY: test-deb
test-deb: $(venv) deb ## build it, and install, remove and purge it in copies of this host's root file system; needs root
	$(python) -m pytest tests/packages/test_deb.py

.PHONY: rpm
rpm: ## build dist/mpathd-watch-VERSION-RELEASE.noarch.rpm for hosts of the Red Hat and SUSE families
	tools/build-rpm

ROOT ?= /

.PHONY: test-rpm
test-rpm: $(venv) rpm ## build it, and test it in a copy of this host's root file system, or of ROOT=DIR; needs root
	RPM_TEST_ROOT=$(ROOT) $(python) -m pytest tests/packages/test_rpm.py

.PHONY: lab
lab: $(venv) deb ## start a guest with a two-path SAN and leave you in it
	$(python) -m tests.lab up

.PHONY: lab-quick
lab-quick: $(venv) deb ## run those ten scenarios on a real kernel that CI runs
	$(python) -m tests.lab test --quick

.PHONY: lab-test
lab-test: $(venv) deb ## run all scenarios but those that take long; takes more than an hour
	$(python) -m tests.lab test

.PHONY: lab-long
lab-long: $(venv) deb ## run the scenarios that take long: many faults, an hour of traffic
	$(python) -m tests.lab test --long

HOURS ?= 1000
DAEMON_HOURS ?= 50
SEED ?=

.PHONY: sim
sim: $(venv) ## simulate HOURS=1000 hours of a host with a SAN, and compare the core with the model; then sim-daemon; SEED= repeats
	$(python) -m tests.sim hours $(HOURS) $(if $(SEED),--seed $(SEED))
	$(python) -m tests.sim.daemon $(DAEMON_HOURS) $(if $(SEED),--seed $(SEED))

# The same files are judged alike each time and everywhere, and changed ones by other runs.
committed_seed = $(shell git rev-parse HEAD:mpathd_watch HEAD:tests/sim | sha1sum | cut -c1-8)
.PHONY: sim-quick
sim-quick: $(venv) ## what CI simulates: HOURS=1000 hours of the core, of whose 2,400 runs four may be wrong
	$(python) -m tests.sim hours $(HOURS) --allow 4 --seed $(or $(SEED),$(committed_seed))

.PHONY: sim-daemon
sim-daemon: $(venv) ## simulate DAEMON_HOURS=50 hours of the daemon with its real sources
	$(python) -m tests.sim.daemon $(DAEMON_HOURS) $(if $(SEED),--seed $(SEED))

.PHONY: sim-long
sim-long: $(venv) ## the same for ten thousand hours
	$(python) -m tests.sim hours 10000 $(if $(SEED),--seed $(SEED))

.PHONY: sim-bugs
sim-bugs: $(venv) ## plant known bugs into a copy of the core, one at a time, and show that the simulation finds them
	$(python) -m tests.sim bugs

.PHONY: lab-shell
lab-shell: $(venv) ## open another shell in the running guest
	$(python) -m tests.lab shell

.PHONY: mutants
mutants: ## change the core in small ways, and list the changes that no test notices; takes an hour and more
	tools/mutants $(ROOMS)

MINUTES ?= 10
TARGETS ?=

.PHONY: fuzz
fuzz: $(fuzz_venv) ## fuzz the parsers of foreign bytes for MINUTES=10 minutes, or only TARGETS="uevent http"
	.venv-fuzz/bin/python -m tests.fuzz --minutes $(MINUTES) $(TARGETS)

.PHONY: fuzz-quick
fuzz-quick: $(fuzz_venv) ## what CI fuzzes: all parsers for about 40 seconds, beginning with the inputs that are kept
	.venv-fuzz/bin/python -m tests.fuzz --minutes 0.6 --bytes --fresh

.PHONY: bench
bench: $(venv) ## measure what the daemon costs, beside what could be run instead, and write docs/performance.md; needs root
	$(python) -m benchmarks

PACE ?= 1

.PHONY: soak
soak: HOURS := 1
soak: $(venv) ## have the daemon work for HOURS=1 at a hundred times the rate of a bad week, judge it, and write docs/soak.md; needs root
	$(python) -m benchmarks.soak --hours $(HOURS) --pace $(PACE) --page docs/soak.md

.PHONY: soak-quick
soak-quick: $(venv) ## what CI does of it: two minutes
	$(python) -m benchmarks.soak --quick

dashboards_venv := .venv-dashboards/complete

.PHONY: dashboards
dashboards: $(dashboards_venv) ## write the dashboards for Grafana to docs/grafana
	.venv-dashboards/bin/python -m tools.dashboards

.PHONY: clean
clean: ## remove everything that was made here (cached lab images stay)
	rm -rf .venv .venv-dashboards .venv-fuzz .fuzz .mutants dist .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/lab/logs
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# The parts of `make test`

# Tracing makes everything slower, and what covers the core are the core's own tests.
.PHONY: test-core
test-core: $(venv)
	$(python) -m pytest --numprocesses auto --dist loadfile --cov --cov-report=term-missing:skip-covered tests/unit/core tests/golden

# What these measure beside hostile clients is the daemon's time, and not the machine's only if nothing else runs meanwhile.
timed := tests/component/daemon/test_hostile_clients.py tests/component/sinks/test_http_hostile.py \
	tests/component/sinks/test_http_tls_hostile.py

# Most of these wait for processes, sockets and deadlines, so there are two for each processor.
.PHONY: test-rest
test-rest: $(venv)
	$(python) -m pytest --numprocesses $$(( 2 * $$(nproc) )) --dist loadfile tests/unit tests/component tests/field \
		tests/packages/test_wheel.py --ignore tests/unit/core $(addprefix --ignore ,$(timed))
	$(python) -m pytest $(timed)

# The parts of `make check`

.PHONY: check-format
check-format: $(venv)
	$(python) -m ruff format --check

.PHONY: check-lint
check-lint: $(venv)
	$(python) -m ruff check

.PHONY: check-types
check-types: $(venv)
	$(python) -m mypy

# Recordings and captures hold hexadecimal and foreign words, not prose of ours. The ignored words are what a non-UTF-8 name in
# a test looks like.
.PHONY: check-spelling
check-spelling: $(venv)
	tools/tree-files | xargs --null .venv/bin/codespell --skip '*.jsonl,*.json,*.log,*.svg,./LICENSE,tests/golden/bundles/*' \
		--ignore-words-list caf,te,hda,readby

# codespell finds words that are wrong, this one words that are hard to understand.
.PHONY: check-words
check-words: $(venv)
	$(python) -m tools.check_words

.PHONY: check-shell
check-shell:
	tools/check-shell

.PHONY: check-unit
check-unit:
	tools/check-unit

# What is generated from the code must match it: each such check is one line here.
.PHONY: check-docs
check-docs: $(venv)
	$(python) -m tools.docs --check
	$(python) -m tools.settings --check

.PHONY: check-security
check-security: $(venv)
	$(python) -m tools.check_security

.PHONY: check-hardware-table
check-hardware-table: $(venv)
	$(python) -m tools.hardware_table --check

.PHONY: check-metrics
check-metrics:
	tools/check-metrics

# The first says whether rules, tests, runbooks and the catalog agree, the second whether the rules do what they should.
.PHONY: check-rules
check-rules: $(venv)
	$(python) -m tools.check_rules
	tools/check-prometheus

# The first says whether dashboards, metrics, rules and runbooks agree, the second whether the dashboards are up to date.
.PHONY: check-dashboards
check-dashboards: $(venv)
	$(python) -m tools.dashboards.agreement
	tools/check-dashboards

# Grafana's library is in an environment of its own: only the dashboards are built with it.
$(dashboards_venv): requirements-dashboards.txt $(venv)
	$(python) -m venv --clear .venv-dashboards
	.venv-dashboards/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dashboards.txt
	touch $@

# Only the fuzzer is in an environment of its own; it sees what is in ours.
site := import site; print(site.getsitepackages()[0])

$(fuzz_venv): requirements-fuzz.txt $(venv)
	$(python) -m venv --clear .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-fuzz.txt
	$(python) -c '$(site)' >"$$(.venv-fuzz/bin/python -c '$(site)')/ours.pth"
	touch $@

$(venv): pyproject.toml requirements-dev.txt tools/build-venv
	tools/build-venv .venv
	touch $@

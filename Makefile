# The commands of the project; `make` alone lists them.
PYTHON ?= python3
JOBS ?= 2
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
READY := $(VENV)/.ready
PAGE := .dvc/page.html
REV ?= main

.DEFAULT_GOAL := help
.PHONY: audit bench help pull push report repro s3 sweep test torture verify
.PHONY: check format lock readme venv clean

help: ## list the commands
	@sed -n 's/^\([a-z0-9]*\):[^#]*## /make \1\t/p' Makefile | expand -t 14

repro: venv ## make the environment if need be, run the pipeline, JOBS=2 stages at once
	python -m unroll repro --jobs $(JOBS)

sweep: venv ## try the settings of sweep.yaml, JOBS=2 at once; see docs/sweep.md
	python -m unroll sweep --jobs $(JOBS)

report: venv ## compare with REV=main: report/report.html, and report.md for a pull request
	python -m unroll report "$(REV)"

test: venv ## make the environment if need be, run the tests
	python -m pytest

verify: venv ## run the last commit in a new clone, compare every byte; STAGE=train-rnn for one
	python -m unroll verify --jobs $(JOBS) $(if $(STAGE),--stage $(STAGE))

audit: venv ## look for damage in the cache; REMOTE=folder for that in a remote, which it mends
	python -m unroll audit $(if $(REMOTE),--remote $(REMOTE))

push: venv ## send what was computed here to the remote, and mend damage there; REMOTE=s3
	python -m unroll push $(if $(REMOTE),--remote $(REMOTE))

pull: venv ## fetch what others have computed for this work tree; REMOTE=s3
	python -m unroll pull $(if $(REMOTE),--remote $(REMOTE))

s3: venv ## start a local S3 server over scratch/s3 to try a remote with; PORT=8333
	python tests/s3.py $(if $(PORT),--port $(PORT))

torture: venv ## kill a small pipeline again and again, compare every byte; KILLS=300
	python tests/torture.py --kills $(or $(KILLS),300) $(if $(SEED),--seed $(SEED))

check: venv ## formatting, lint, types
	ruff format --check .
	ruff check .
	mypy

format: venv ## format the code and mend what the linter can
	ruff format .
	ruff check --fix .

lock: venv ## lock the requirements of pyproject.toml anew, with hashes for every platform
	uv pip compile pyproject.toml --all-extras --universal --fork-strategy fewest \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	  --upgrade -q -o requirements.txt
	python -m unroll versions

readme: venv ## write the results table of README.md, and docs/models/, from metrics/
	python -m unroll readme

venv: $(READY) $(PAGE) ## the virtual environment with the locked requirements, the page of the plots

$(READY): requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; name one with make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(PAGE): $(READY) harness/reporting/page.py harness/reporting/page.html
	python -m unroll page

clean: ## remove the environment and the scratch folder; data, downloads and the cache stay
	rm -rf $(VENV)
	-find scratch -mindepth 1 -maxdepth 1 ! -name downloads -exec rm -rf {} +

bench: venv ## measure speed against the chapter's recipe, write bench/RESULTS.md; FULL=1 to its end
	python -m bench.run $(if $(FULL),--full)

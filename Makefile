# The commands of the project; `make` alone lists them. Each is one line, and most are a command of
# `unroll` under its own name. Written for every make since 3.81, with GNU or BSD tools.
PYTHON ?= python3
JOBS ?= 2
REV ?= main
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
READY := $(VENV)/.ready
PAGE := .dvc/page.html
COMPILE := $(PY) -m uv pip compile --universal --python-version 3.11 --fork-strategy fewest \
  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --upgrade -q
# uv takes a third of pip's time; pip steps in where an index needs settings that pip alone has.
PIP := $(PY) -m pip install -q --disable-pip-version-check --require-hashes -r
UV := $(PY) -m uv pip install -q --compile-bytecode --require-hashes -r

.DEFAULT_GOAL := help
.PHONY: audit bench broken check check-results clean clusters crash-test format help lock pictures
.PHONY: pull push quick ray readme report repro s3 seeds sweep test tour venv verify

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

repro: venv ## set up the environment if needed and run the pipeline, JOBS=2 stages at once
	$(PY) -m unroll repro --jobs $(JOBS)

seeds: venv ## train the models with N=5 seeds: metrics/seeds.json; MODELS="lstm rnn" for some
	$(PY) -m unroll seeds $(or $(N),5) $(MODELS) --jobs $(JOBS)

sweep: venv ## try the settings of sweep.yaml, JOBS=2 at once; see docs/sweep.md
	$(PY) -m unroll sweep --jobs $(JOBS)

report: venv ## compare with REV=main: report/report.html, and report.md for a pull request
	$(PY) -m unroll report "$(REV)"

verify: venv ## run the last commit in a new clone and compare every byte; STAGE=train-rnn for one
	$(PY) -m unroll verify --jobs $(JOBS) $(if $(STAGE),--stage $(STAGE))

audit: venv ## look for damage in the cache; REMOTE=name for a remote, which it repairs
	$(PY) -m unroll audit $(if $(REMOTE),--remote $(REMOTE))

push: venv ## send what was computed here to the remote, and repair damage there; REMOTE=name
	$(PY) -m unroll push $(if $(REMOTE),--remote $(REMOTE))

pull: venv ## fetch what others have computed for this work tree; REMOTE=name
	$(PY) -m unroll pull $(if $(REMOTE),--remote $(REMOTE))

crash-test: venv ## kill a small pipeline again and again and compare every byte; KILLS=300
	$(PY) -m unroll crash-test --kills $(or $(KILLS),300) $(if $(SEED),--seed $(SEED))

s3: venv ## start a local S3 server over scratch/s3 to try a remote with; PORT=8333
	$(PY) -m tests.s3 $(if $(PORT),--port $(PORT))

test: venv ## run all tests but those of clusters, three at once as they often wait
	$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not clusters"

clusters: venv ## run the tests that start real clusters on this machine; ENGINE=slurm or ray
	$(PY) -m pytest -m clusters $(if $(ENGINE),-k $(ENGINE))

quick: venv ## run the tests that train nothing and start no browser or server
	$(PY) -m pytest -n 2 -m "not slow"

check: venv ## check formatting, lint, types and the layers of docs/architecture.md
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(BIN)/lint-imports --no-logo --no-cache

check-results: venv ## check that the committed results belong to the committed code
	$(PY) -m unroll check-results

format: venv ## format the code and fix what the linter can
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

readme: venv ## write what is generated of README.md, docs/models/ and docs/architecture.md
	$(PY) -m unroll readme
	$(PY) -m tests.architecture

pictures: venv ## take the pictures of the page that are in docs/
	$(PY) tests/browser.py

tour: venv ## run docs/tour.ipynb on the results here, and render it as docs/tour.md
	$(PY) -m tests.tour

bench: venv ## measure speed against the chapter's code, write bench/RESULTS.md; FULL=1 to its end
	$(PY) -m bench.run $(if $(FULL),--full)

lock: venv ## lock the newest requirements that pyproject.toml allows, with hashes for every platform
	$(COMPILE) pyproject.toml --extra jax --extra dev -o requirements.txt
	$(PY) .ci/extra.py ray | $(COMPILE) - -c requirements.txt -o requirements-ray.txt
	$(PY) -m unroll versions

ray: venv ## install Ray, too, for `--on ray` and its tests
	$(UV) requirements-ray.txt || $(PIP) requirements-ray.txt

venv: $(READY) $(PAGE) ## set up the environment: the locked requirements, `unroll`, the page of plots

# Without its Python, or with another version of it, an environment is set up again.
$(READY): requirements.txt pyproject.toml $(shell $(PY) -c 'import pip' 2>/dev/null || echo broken)
	$(PYTHON) .ci/supported.py
	$(PYTHON) -m venv $(VENV)
	awk '/^uv==/,/# via/' requirements.txt > $(VENV)/uv.txt
	$(PIP) $(VENV)/uv.txt
	$(UV) requirements.txt || $(PIP) requirements.txt
	$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

broken:
	rm -rf $(VENV)

$(PAGE): $(READY) harness/reporting/page.py harness/reporting/page.html unroll/plotting/titles.py
	$(PY) -m unroll page

clean: ## remove the environment and the scratch folder; data, downloads and the cache stay
	rm -rf $(VENV)
	-find scratch -mindepth 1 -maxdepth 1 ! -name downloads -exec rm -rf {} +

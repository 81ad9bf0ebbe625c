# The ways to work on seqloom; `make help` lists them. GNU make and a POSIX shell are all it takes.

VENV := .venv
BIN := $(VENV)/bin
# Stands in the environment, so that removing the environment sets up again.
READY := $(VENV)/.setup-done

.DEFAULT_GOAL := help
.PHONY: help setup demo claims worked-example test system lint format types check wheel bench bench-demo clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r target text; do printf '%-17s %s\n' "$$target" "$$text"; done

setup: $(READY) ## make .venv with the seqloom command and everything for development

$(READY): pyproject.toml constraints.txt
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "seqloom needs Python 3.11 or newer with its venv module, and found none;" >&2; \
	  echo "install one (on Debian and Ubuntu: apt install python3-venv), or name it: make setup PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "setting up $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $(READY)

demo: setup ## the main job in minutes: three architectures, one corpus, a report, a prompt
	$(BIN)/seqloom demo

claims: setup ## test what is said of RNNs and Transformers: all claims at quick effort, with a report (half an hour at most)
	$(BIN)/seqloom claims run --all --effort quick --out runs/claims $(ARGS)

# A vocabulary of pieces of words, so that tens and units of a German number are tokens of their own.
NUMBERS := --data numbers-en-de --size 20000 --set tokenizer.kind=unigram tokenizer.vocab_size=170 \
  training.validations=8 training.validation_sentences=100 training.average_last=8

worked-example: setup ## train three runs on spelled-out numbers, and write docs/worked-example.md from them (minutes)
	@for run in transformer-tiny/800 rnn-tiny/600 attention-rnn-tiny/600; do \
	  folder=runs/numbers/$${run%/*}; \
	  if [ -f $$folder/checkpoint.json ]; then $(BIN)/seqloom train --resume --out $$folder || exit; \
	  else $(BIN)/seqloom train $${run%/*} $(NUMBERS) --steps $${run#*/} --out $$folder || exit; fi; \
	done
	$(BIN)/seqloom explain runs/numbers/transformer-tiny runs/numbers/rnn-tiny runs/numbers/attention-rnn-tiny \
	  --text 'seventy-four ; forty-seven' --layer 3 --head 3 --step 5 --change 1=seventy-five --out docs/worked-example.md

test: setup ## unit and integration tests, a process a core
	$(BIN)/python -m pytest -n auto $(ARGS)

system: setup ## slow tests: every architecture learns something, fuzzing, and clients of the server (minutes)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[clients]' -c constraints.txt
	$(BIN)/python -m pytest tests/system $(ARGS)

lint: setup ## ruff: style and likely bugs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## ruff: correct what can be corrected; update the links of the tour
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m benchmarks.tour_links

types: setup ## mypy --strict
	$(BIN)/mypy

check: lint types test ## what a change has to pass

wheel: setup ## build dist/*.whl
	rm -rf dist
	$(BIN)/python -m build --wheel

bench: setup ## measure seqloom and its peers in turn, and write benchmarks/README.md (ARGS=--help)
	$(BIN)/python -m benchmarks $(ARGS)

bench-demo: setup ## measure the demo and write its numbers into README and docs
	$(BIN)/seqloom demo --out runs/bench </dev/null
	mkdir -p benchmarks/results
	cp runs/bench/comparison.json benchmarks/results/demo.json
	$(BIN)/python benchmarks/readme_table.py benchmarks/results/demo.json docs/demo.md docs/demo.svg
	$(BIN)/python -m benchmarks.first_screen --explain runs/bench/runs/attention-rnn-tiny-seed0
	$(BIN)/python -m benchmarks.lecture_answers

clean: ## remove what was built, the environment included; runs stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

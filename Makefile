# symmbench: every target works on a bare machine with python3 (3.11-3.13) and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUNS ?= runs
export OMP_NUM_THREADS ?= 2
# a thread that waits must not keep a core from one that works: training spawns two teams of threads
export GOMP_SPINCOUNT ?= 1000

PRETRAINED := two-spirals/symmflow digits/cnn digit-presence/cnn digits/symmflow digits/diffusion-classifier digits/fm \
	digit-scenes/unet digit-scenes/symmflow digit-scenes/semflow digit-scenes/semflow[unperturbed] digit-scenes/dsm \
	digit-scenes/fm

.PHONY: help install demo rivals test slow crash fuzz check figures pretrained results gpu-test gpu-pretrained gpu-papers \
	gpu-results clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 18

install: $(VENV)/.installed ## Create .venv with the tested versions

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Installing the tested versions into $(VENV): PyTorch and what it needs, several GB, minutes. Each package says so:"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -c constraints.txt -e '.[dev]'
	touch $@

demo: install ## Evaluate the bundled checkpoints on three tasks at 1, 5 and 25 steps, compare, and write the report
	@echo "1 of 5: three tasks at 1, 5 and 25 steps, the longest part: minutes on two cores. Ctrl-C keeps what is done."
	$(BIN)/bench run --method symmflow,unet,cnn --task cls,ss,sis --steps 1,5,25 --out results
	@echo "2 of 5: two spirals, six step counts and three seeds."
	$(BIN)/bench run --method symmflow --task cls --dataset two-spirals --steps 1,2,5,10,20,50 --seeds 0,1,2 --out results
	@echo "3 of 5: a picture of what one checkpoint draws."
	$(BIN)/bench sample --method symmflow --task sis --steps 1,5,25 --out results/sample.png
	@echo "4 of 5: everything side by side, with the curves over steps."
	$(BIN)/bench compare results --plot results/steps.png
	@echo "5 of 5: the same as one page, for a browser."
	$(BIN)/bench report results -o results/report.html
	@echo "Open results/report.html. Beside it lie sample.png, steps.png, and a folder for every cell."

# Two seeds and two samples a mask, as the claims ask; the Diffusion Classifier's full budget is 2,750 evaluations; the
# paper does not say on which timesteps DSM was sampled, so it is on each of the usual grids (trailing is our default).
# The report keeps its first words and gets new tables.
rivals: install ## Evaluate every bundled method on the same samples, and check the papers' claims
	$(BIN)/bench run --method all --task cls --steps 1,2,5,25 --limit 200 --out results/rivals
	$(BIN)/bench run --method diffusion-classifier --task cls --steps 2750 --limit 200 --out results/rivals
	$(BIN)/bench run --method all --task ss --steps 1,2,5,25 --seeds 0,1 --limit 500 --out results/rivals
	$(BIN)/bench run --method dsm --task ss --steps 2,5,25 --seeds 0,1 --limit 500 --set spacing=leading --out results/rivals
	$(BIN)/bench run --method dsm --task ss --steps 2,5,25 --seeds 0,1 --limit 500 --set spacing=linspace --out results/rivals
	$(BIN)/bench run --method all --task sis --steps 1,2,5,25 --samples-per-mask 2 --limit 500 --out results/rivals
	$(BIN)/bench compare results/rivals
	sed '/^### /,$$d' reports/rivals.md > results/rivals/report.md
	$(BIN)/bench compare results/rivals --format md >> results/rivals/report.md
	cp results/rivals/report.md reports/rivals.md

# a worker a core, each of one thread; Hypothesis without deadlines, with the same examples every time
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n logical --maxprocesses 8 --dist worksteal --hypothesis-profile ci

test: install ## Run the tests: minutes on two cores
	$(PYTEST) -m "not slow"

slow: install ## Run the tests that take long and prove something rare; what ran goes to tests/slow.md
	$(PYTEST) -m "slow and not crash" --report tests/slow.md

crash: install ## Die at every write of sweeps and trainings, and go on; what ran goes to tests/crash.md
	$(PYTEST) -m crash --report tests/crash.md

fuzz: install ## 2,000 calls that nobody would make on purpose, and 500 damaged files
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/fuzzer.py

check: install ## Formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	mkdir -p .cache/types && ln -sfn "$(CURDIR)" .cache/types/symmbench
	MYPYPATH=.cache/types $(BIN)/mypy --namespace-packages --explicit-package-bases \
		-p symmbench.bench -p symmbench.methods -p symmbench.datasets -p symmbench.reports -p symmbench.symmflow

figures: install ## Draw the README's pictures from results/
	$(BIN)/bench sample --method symmflow --task sis --steps 1,5,25 --count 6 --out reports/images/sample.png
	$(BIN)/bench compare results --plot reports/images/steps.png > /dev/null

# A training that was cut goes on where it stopped; a finished one is only copied.
pretrained: install ## Train the bundled checkpoints (each at most 45 minutes on two idle cores)
	@for recipe in $(PRETRAINED); do to="methods/checkpoints/$$recipe"; \
		$(BIN)/bench train --recipe "$$recipe" --out "$(RUNS)/$$recipe" || exit 1; \
		rm -rf "$$to" && mkdir -p "$$to" && cp "$(RUNS)/$$recipe/checkpoint/"* "$$to" || exit 1; \
	done

results: install ## Train and evaluate what reports/results/ holds, from nothing, into $(RUNS)/results and results/: hours
	@for folder in mnist camvid; do BENCH="$(BIN)/bench" RUNS="$(RUNS)/results" bash reports/results/$$folder/reproduce.sh || exit 1; done

# Targets for a machine with a GPU whose python3 already has torch and the other requirements. No network, no install;
# each ends within ten minutes and resumes.
GPU_PYTHON ?= python3
GPU_BENCH = PYTHONPATH=.cache/gpu$${PYTHONPATH:+:$$PYTHONPATH} $(GPU_PYTHON) -m symmbench.bench

.PHONY: .cache/gpu
.cache/gpu:
	rm -rf $@ && mkdir -p $@
	$(GPU_PYTHON) -m pip install --quiet --no-deps --no-build-isolation --no-index --target $@ .

gpu-test: .cache/gpu ## On a GPU: the tests marked gpu
	PYTHONPATH=.cache/gpu $(GPU_PYTHON) -m pytest -q -m gpu

gpu-pretrained: .cache/gpu ## On a GPU: go on with training the bundled checkpoints, at most nine minutes a call
	@end=$$(( $$(date +%s) + 540 )); for recipe in $(PRETRAINED); do \
		left=$$(( end - $$(date +%s) )); [ $$left -ge 60 ] || { echo "call again to go on"; break; }; \
		$(GPU_BENCH) train --recipe "$$recipe" --device cuda --out "$(RUNS)/gpu/$$recipe" --max-minutes $$(( left / 60 )) || exit 1; \
	done

# Peaks of memory beside the estimates of `bench train --dry-run`; FSDP through Accelerate on as many GPUs as there are.
gpu-papers: .cache/gpu ## On a GPU: a step and a synthesis of the papers' latent network, from random weights, into $(RUNS)/papers
	PYTHONPATH=.cache/gpu$${PYTHONPATH:+:$$PYTHONPATH} timeout 570 $(GPU_PYTHON) tests/benchmarks/papers.py --out "$(RUNS)/papers"

gpu-results: .cache/gpu ## On a GPU: go on with the trainings and evaluations that two cores cannot carry, at most nine minutes a call
	@export PYTHONPATH=".cache/gpu$${PYTHONPATH:+:$$PYTHONPATH}"; BENCH="$(GPU_PYTHON) -m symmbench.bench" DEVICE=cuda MINUTES=9 \
		RUNS="$(RUNS)/results" bash reports/results/gpu/reproduce.sh

clean: ## Remove what the targets made (not results/ and runs/)
	rm -rf $(VENV) .cache build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

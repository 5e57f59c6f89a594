# make run    opens the studio; make test runs its tests. The first call installs what is needed into .venv,
#             later calls reuse it. The others are for developers.

PYTHON ?= python3
export PYTHON

.PHONY: run test test-slow check bench clean

run: .venv/run.stamp
	@exec .venv/bin/python app.py

# All but the browser's tests run on two cores, one torch thread each; the browser's have the machine to themselves.
test: .venv/test.stamp .venv/browser.stamp
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -m "not slow and not browser" -n 2 --dist loadfile $(ARGS)
	.venv/bin/python -m pytest -m "not slow and browser" $(ARGS)

test-slow: .venv/test.stamp .venv/browser.stamp
	.venv/bin/python -m pytest -m slow $(ARGS)

check: .venv/test.stamp
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy

bench: .venv/test.stamp .venv/browser.stamp
	@set -e; for name in start train first_point samples data eta forecast compare preferences scoring looks forgetting poison; do echo "== $$name"; .venv/bin/python benchmarks/$$name.py; done

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: requirements.txt .ci/install
	@.ci/install requirements.txt
	@touch $@

.venv/test.stamp: requirements-dev.txt .venv/run.stamp
	@.ci/install requirements-dev.txt
	@touch $@

.venv/browser.stamp: .ci/browser .venv/test.stamp
	@.ci/browser
	@touch $@

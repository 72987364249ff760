# A signpost: each target says what it does and calls one script.

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast coverage real check fmt bench bench-trust lock

help:        ## show this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo:        ## run the whole river on the demonstration district and open the console (ARGS=--no-serve ends after the summary)
	@scripts/setup base
	@.venv/bin/chengyi demo $(ARGS)

test:        ## set everything up and pass every test, browser tests included
	@scripts/setup dev
	@scripts/system
	@scripts/test $(ARGS)

test-fast:   ## only the fast tests
	@scripts/setup dev
	@scripts/test -m "not slow and not browser" $(ARGS)

coverage:    ## the same tests with coverage, child processes included; it takes six times as long
	@scripts/setup dev
	@scripts/system
	@scripts/test --cov --cov-report=term:skip-covered $(ARGS)

real:        ## run the worked example on real public data (needs CHENGYI_DATA or ../shared/data)
	@scripts/setup base
	@.venv/bin/python examples/real/run.py $(ARGS)

check:       ## style, types and import contracts
	@scripts/setup dev
	@scripts/check

fmt:         ## format the code
	@scripts/setup dev
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

bench:       ## measure, as ratios to a peer in the same run
	@scripts/setup dev
	@.venv/bin/python -m bench $(ARGS)

bench-trust: ## measure the trust layer: fragments, ledger, certificates, marks, tracing
	@scripts/setup dev
	@.venv/bin/python -m bench --book trust $(ARGS)

lock:        ## pin the requirements again
	@scripts/lock

# The commands of this project: each is a short script in scripts/. `make` alone prints them.
.PHONY: help demo test proof soak check bench services

help:
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 18

demo: ## thousands of real files through two workers, one of them killed half way (under a minute)
	@scripts/demo

test: ## set up, check, and run every test but the long proof
	@scripts/test

proof: ## the tests that kill and freeze real processes and count every job
	@scripts/proof

soak: ## chaos for MINUTES=30, up to JOBS=1000000, on ENGINE=sqlite, postgres or redis; every job accounted for, a table at the end
	@scripts/soak

check: ## lint, format, both type checkers, the floors of the house
	@scripts/check

bench: ## ours beside its peers and the bare limit, on the same work (an hour; ENGINES=redis: one)
	@scripts/bench $(if $(ENGINES),--engines $(ENGINES))

services: ## get what the tests need beside Python: servers, which they start by themselves, and tools
	@scripts/services

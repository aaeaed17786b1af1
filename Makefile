# tcpvs: `make run` shows it at work, `make test` proves it; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
NODE := node_modules/.bin/node
CONCURRENCY ?= 2
# A file that leaks a listener never ends. Not --test-force-exit: it ends files before their last reports are read.
BOUND := $(shell command -v timeout >/dev/null && echo timeout 2400)
TESTS ?= src/**/*.test.ts test/**/*.test.ts bench/**/*.test.ts

.PHONY: help setup tools run test unit lint format generate check-generated cluster cluster-binaries bench demo-full fuzz faults reliability managed audit soak build sbom image clean

help: ## list the targets
	@if [ -t 1 ]; then on=$$'\033[1m' off=$$'\033[0m'; fi; grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | \
		awk -F ':.*## ' -v on="$$on" -v off="$$off" '{printf "  %s%-16s%s %s\n", on, $$1, off, $$2}'

setup: node_modules/.setup ## install what the project needs, into node_modules alone

node_modules/.setup: package.json package-lock.json .npmrc
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@mkdir -p node_modules/.bin
	@[ -e $(NODE) ] || for n in node_modules/node-*/bin/node; do [ -x "$$n" ] && ln -s "../../$$n" $(NODE); done; true
	@touch $@

tools: ## what tests need besides: httperf (demo), haproxy (PROXY protocol), openssl, curl, wget, ab and h2load (clients), faketime (faults), nft and its like (cluster): installed where that is possible, else named
	@bench/peers.sh httperf haproxy openssl curl wget ab h2load faketime nft ip nsenter || true

cluster-binaries: ## Kubernetes' own programs, for test/cluster: built once for all checkouts of a machine (needs Go)
	@test/cluster/go/build.sh || { echo "the tests that need them are skipped; not so where CI is set" >&2; [ -z "$$CI" ]; }

cluster: setup tools cluster-binaries ## a Kubernetes cluster on this machine with tcpvs and an example in it, until Ctrl-C; needs root
	@$(NODE) test/cluster/serve.ts $(ARGS)

run: setup ## the demo: five servers, six apps, the weight matrix at work
	@bin/tcpvs demo $(ARGS)

test: lint check-generated unit ## everything that must hold before a commit: lint, generated files, tests

# What was compiled once need not be again, by any of the thousands of processes that tests start.
unit: export NODE_COMPILE_CACHE := $(CURDIR)/node_modules/.cache/compile
unit: setup tools cluster-binaries ## the tests alone (TESTS='src/http/*.test.ts' for some of them)
	@ls $(firstword $(TESTS)) >/dev/null 2>&1 || [ -n "$$(shopt -s globstar; ls $(TESTS) 2>/dev/null)" ] || { echo "no tests match $(TESTS)" >&2; exit 1; }
	$(BOUND) $(NODE) --test --test-concurrency=$(CONCURRENCY) --test-timeout=120000 $(foreach t,$(TESTS),'$(t)')

lint: setup ## types, lint rules, formatting; `make format` mends the last
	tsc
	oxlint --report-unused-disable-directives-severity=error
	oxfmt --check || { echo "run: make format"; exit 1; }

format: setup ## format all files
	oxfmt

generate: setup ## write the generated files: crds/, docs/reference, parts of charts/, deploy/
	$(NODE) src/api/generate.ts
	$(NODE) src/status/generate.ts
	$(NODE) charts/tools/generate.ts

check-generated: setup cluster-binaries
	@$(NODE) src/api/generate.ts --check
	@$(NODE) src/status/generate.ts --check
	@$(NODE) charts/tools/generate.ts --check

build: setup ## the bundle in dist/, with its bill of materials: runs without node_modules
	$(NODE) build.ts

sbom: build ## the bill of materials of the bundle (CycloneDX), as dist/sbom.cdx.json
	@cat dist/sbom.cdx.json

image: ## the container image, by docker, buildah or podman (IMAGE=name:tag, BASE=, BUILD=)
	@packaging/image.sh $(IMAGE)

bench: setup ## side by side with nginx, HAProxy, Envoy, Caddy and http-proxy; results go to bench/results
	$(NODE) bench/run.ts $(ARGS)

.PHONY: bench-placement bench-simulation bench-testbed bench-learning placement-check
bench-placement: setup ## the placement solver: speed, proven optima, other ways to place; results go to bench/results
	$(NODE) bench/placement/run.ts $(ARGS)

bench-simulation: setup ## policies under load in simulation, an hour of a processor; results and plots go to bench/results (ARGS=--quick prints an impression)
	$(NODE) bench/placement/simulation/run.ts $(ARGS)

bench-testbed: setup ## policies under load on real processes in control groups and namespaces, half an hour; needs root and a machine with nothing else to do; results and plots go to bench/results (ARGS=--quick prints an impression)
	@bench/peers.sh httperf ip || true
	$(NODE) bench/placement/testbed/run.ts $(ARGS)

bench-learning: setup ## what the estimators of profiles find of made-up systems; results go to bench/results
	$(NODE) bench/placement/learning/run.ts $(ARGS)

placement-check: setup ## 100,000 random placement problems through the independent checker, about half an hour (PROBLEMS=N)
	$(NODE) bench/placement/run.ts --part feasibility --problems $(or $(PROBLEMS),100000)

fuzz: setup ## a million inputs for the codec and the pattern engine
	$(NODE) test/fuzz/run.ts $(ARGS)

demo-full: setup tools ## the recorded demo at full length, 5 x 10,000 connections; result in bench/results
	DEMO_FULL=1 $(NODE) --test --test-timeout=600000 --test-force-exit test/demo/httperf.test.ts

faults: setup ## every fault with its full counts, about half an hour; figures go to bench/results (ARGS='4 20' for some rows)
	$(NODE) test/faults/run.ts $(ARGS)

reliability: setup cluster-binaries ## what happens to a cluster while it serves, with full counts, about an hour; writes docs/reliability.md (ARGS='edits')
	$(NODE) test/reliability/run.ts $(ARGS)

managed: setup cluster-binaries ## example 23 in a whole cluster: instances follow what is asked for, and no request may fail; five minutes
	$(NODE) test/platform/managed.ts

audit: setup ## other people's examiners: testssl.sh, slowhttptest, Autobahn's WebSocket suite; half an hour; the result goes to bench/results (ARGS=testssl)
	@bench/peers.sh testssl slowhttptest
	$(NODE) test/audit/run.ts $(ARGS)

soak: setup ## two hours of load: memory, handles and latency must be shown to stay flat (MINUTES=120)
	$(NODE) test/soak/run.ts $(ARGS)

clean: ## remove what the targets made
	rm -rf dist coverage node_modules

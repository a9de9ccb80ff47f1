# make help lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
SETUP := deploy/setup/setup
BIN := bin/throughline

.PHONY: help demo test check build fmt test-go test-js clean drill bench-ingest bench-journey bench-beacon bench-decode bench-log bench-columns bench-compare fuzz

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## everything at once: shop, visitors, journeys, ClickHouse; DURATION=90s ends it by itself, ARGS=… adds options
	@$(SETUP) engine chrome
	@exec $(BIN) demo $(if $(DURATION),--duration $(DURATION)) $(ARGS)

build: ## the binary, bin/throughline
	@$(SETUP) go binary

test: ## all tests: Go under the race detector, and js
	@$(SETUP) go compiler engine chrome whole-chrome js
	@$(MAKE) --no-print-directory test-go test-js

test-go:
	go test -race -timeout 9m ./...

test-js:
	npm test --prefix js

TIMES ?= 5

test-js-full: ## all tests of the beacon, TIMES (5) times over, for what fails only now and then
	@$(SETUP) chrome whole-chrome js
	@failed=0; for i in $$(seq $(TIMES)); do \
		echo "run $$i of $(TIMES)"; TEST_JS_FULL=1 $(MAKE) --no-print-directory test-js || failed=$$((failed + 1)); \
	done; echo "$$failed of $(TIMES) runs failed"; [ $$failed -eq 0 ]

check: ## format, vet, staticcheck, TypeScript, bundle and its size, architecture rules
	@$(SETUP) go js
	@unformatted=$$(go tool gofumpt -l .); [ -z "$$unformatted" ] || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	npm run check --prefix js
	go test -run 'TestArchitecture' ./cmd/throughline

drill: build ## break everything on purpose and count what is lost; ARGS=… passes options, such as names of faults
	@$(SETUP) engine strace
	@go run ./deploy/drill $(ARGS)

FUZZTIME ?= 1m

# Go 1.26 now and then calls it a failure that the time is over (golang/go#75804, mended in 1.27).
fuzz: ## every fuzz target, each for FUZZTIME (1m); their seeds run in make test
	@$(SETUP) go engine
	@told=$$(mktemp); trap 'rm -f "$$told"' EXIT; \
	grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' "$$file"); do \
			echo "$$target ($${file#./})"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" | tee "$$told" || \
				{ grep -qx ' *context deadline exceeded' "$$told" && ! grep -q 'Failing input' "$$told"; }; \
		done; \
	done

bench-ingest: build ## the collector against a bare HTTP server, from report to row; ARGS=… passes options
	@$(SETUP) engine
	@go run ./deploy/bench ingest $(ARGS)

bench-journey: ## what a run of a journey costs beside the page; ARGS=… passes options
	@$(SETUP) go chrome
	@go run ./deploy/bench journey $(ARGS)

bench-beacon: ## the beacon beside other agents, in real Chromium; takes three minutes
	@$(SETUP) js chrome bench-agents
	@node js/bench/beacon.mjs

bench-decode: ## reading and checking reports
	go test -run '^$$' -bench . -benchmem ./beacon

bench-log: ## the log that reports are kept in before they are answered
	go test -run '^$$' -bench . -benchmem ./ingest/queue ./ingest/seen

bench-columns: ## from rows to ClickHouse's native blocks
	@$(SETUP) engine
	go test -run '^$$' -bench . -benchmem ./ingest/clickhouse

bench-compare: ## Go benchmarks of BASE=ref against the work tree, by benchstat
	@$(SETUP) go engine
	@deploy/bench/compare $(if $(BASE),$(BASE),HEAD)

fmt: ## format Go and TypeScript
	@$(SETUP) go js
	go tool gofumpt -w .
	npm run format --prefix js

clean: ## remove what was built and fetched
	rm -rf bin js/node_modules deploy/engine/node_modules

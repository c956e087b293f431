# The two commands that matter: make demo, make test. Both need only Go, make and a package manager.

GO ?= go

# Packages tested at once: each may run a PostgreSQL of its own, and the race detector takes memory.
TEST_P ?= 2
# A package that hangs ends after this long. On a machine with much else to do the slowest takes a quarter of an hour.
TEST_TIMEOUT ?= 30m
FUZZTIME ?= 20s

# The figures of make bench, and which Go benchmarks make microbench runs.
BENCH_JSON ?= $(CURDIR)/bin/bench.json
BENCH ?= .

# The statements that meet a fault in a soak, on each driver, and where the figures of make outage go beside the table.
SOAK ?= 100000
OUTAGE_JSON ?= $(CURDIR)/bin/outages.json

# Where the figures of make cluster go beside the table.
CLUSTER_JSON ?= $(CURDIR)/bin/cluster.json

# Where everything that make conform has seen goes, beside the table.
CONFORM_JSON ?= $(CURDIR)/bin/conformance.json

# How often make runs runs the suite on each database.
RUNS ?= 200

# How many changes make mutants tries. SEED repeats a sample; LEAST=0.95 fails below that share.
MUTANTS ?= 60

# What must compile on every system that Go knows: the library. The tests' servers, and with them the command, need a Unix.
PORTABLE ?= ./sqlpool/... ./drivers/... ./hooks/... ./mocks/... ./conformance

# The folders of all modules, so that a new one in go.work is tested without a change here.
modules = $(shell $(GO) list -m -f '{{.Dir}}')

# Recipes run each module's command to the end and fail at last if one failed: one run shows everything that is broken.
each = status=0; for dir in $(modules); do (cd "$$dir" && $(1)) || status=1; done; exit $$status

.PHONY: help demo screenshots test lint bench baseline bench-check microbench fuzz outage cluster conform runs matrix corners mutants suites cross soak clean postgres pgbouncer patroni chromium prometheus

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: postgres ## a workload through the pool on each driver, on a private PostgreSQL that dies; with a live page
	$(GO) run ./cmd/sqlpool demo

test: postgres pgbouncer chromium prometheus ## run all tests of all modules with the race detector
	@CGO_ENABLED=0 $(GO) test -count=1 ./hooks/leak # without cgo it takes its stacks another way, which -race never sees
	@$(GO) test -count=1 -gcflags=all=-l=4 ./hooks/leak # a compiler that inlines more gives closures other names
	@$(call each,$(GO) test -race -count=1 -p $(TEST_P) -timeout $(TEST_TIMEOUT) ./...)
	@cd conformance/wrappers && GOWORK=off $(GO) test -race -count=1 -timeout $(TEST_TIMEOUT) . # not in go.work: its many dependencies would decide the versions of all

lint: ## check formatting, go vet, and golangci-lint if it is installed
	@unformatted=$$(gofmt -l $(modules)); if [ -n "$$unformatted" ]; then \
		echo "not formatted with gofmt:"; echo "$$unformatted"; exit 1; fi
	@$(call each,$(GO) vet ./...)
	@if command -v golangci-lint >/dev/null; then \
		$(call each,golangci-lint run --config "$(CURDIR)/.golangci.yml" ./...); \
	else echo "golangci-lint is not installed: only gofmt and go vet were run"; fi

bench: postgres ## measure the pool beside its peers, into docs/performance.md: about a quarter of an hour; SHORT=1 only tries
	@mkdir -p "$(dir $(BENCH_JSON))"
	cd bench && $(GO) run ./run -json "$(BENCH_JSON)" -markdown "$(BENCH_JSON:.json=.md)" \
		$(if $(SHORT),-short,-fill "$(CURDIR)/docs/performance.md,$(CURDIR)/README.md" -plots "$(CURDIR)/docs/images")

baseline: ## store the figures of the last make bench in bench/baseline.json
	cd bench && $(GO) run ./run -from "$(BENCH_JSON)" -store baseline.json

bench-check: postgres ## measure again and fail if anything is worse than bench/baseline.json; FROM=file takes a run that is there
	@mkdir -p "$(dir $(BENCH_JSON))"
	cd bench && $(GO) run ./run $(if $(FROM),-from "$(abspath $(FROM))",-json "$(BENCH_JSON:.json=-check.json)") -check baseline.json

microbench: postgres ## run the Go benchmarks of all modules; BENCH=regexp picks some
	@$(call each,$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -p 1 ./...)

fuzz: postgres ## fuzz each target for FUZZTIME (20s)
	@status=0; for dir in $(modules); do cd "$$dir" || exit 1; \
	for file in $$(grep -rlE --include='*_test.go' '^func Fuzz' . 2>/dev/null); do \
	for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file"); do \
		echo "$$name in $${file%/*}"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$${file%/*}" || status=1; \
	done; done; done; exit $$status

outage: postgres pgbouncer ## every fault on every pool and driver, into docs/outages.md: about a quarter of an hour
	cd conformance/outage && SQLPOOL_TIMES=1 $(GO) test -count=1 . # with the bounds of time, on a machine that has nothing else to do
	@mkdir -p "$(dir $(OUTAGE_JSON))"
	cd conformance/outage && $(GO) run ./matrix -json "$(OUTAGE_JSON)" -table "$(CURDIR)/docs/outages.md" -fill "$(CURDIR)/README.md"

cluster: postgres pgbouncer patroni ## the leader of a Patroni cluster changes under every pool, on every way to it, into docs/outages.md: about an hour
	cd conformance/outage && SQLPOOL_CLUSTER=1 $(GO) test -count=1 -v -timeout 20m -run '^(TestARouterFollowsASwitchover|TestAClusterIsWholeAgain)' . ./patroni
	@mkdir -p "$(dir $(CLUSTER_JSON))"
	cd conformance/outage && $(GO) run ./cluster -json "$(CLUSTER_JSON)" -fill "$(CURDIR)/docs/outages.md"

conform: postgres pgbouncer ## every rule on every driver, route and peer, into docs/conformance.md
	@mkdir -p "$(dir $(CONFORM_JSON))"
	@$(GO) test -count=1 -timeout 4m ./conformance # every mutant on every rule, too slow for make test; in four minutes, so that it is run often
	cd conformance/targets && $(GO) run ./conform -json "$(CONFORM_JSON)" -table "$(CURDIR)/docs/conformance.md"

runs: postgres pgbouncer ## the suite RUNS (200) times in a row beside two busy loops, on the scripted database, pgx and lib/pq: hours
	@GO="$(GO)" scripts/runs $(RUNS)

matrix: ## the tests on every supported version of Go, PostgreSQL and the drivers, into docs/versions.md
	$(GO) run ./internal/matrix -table "$(CURDIR)/docs/versions.md"

corners: ## the tests on the lowest versions of everything, and on the highest
	$(GO) run ./internal/matrix -corners

mutants: postgres ## change the code in MUTANTS (60) places drawn with SEED, one at a time, and say what share of them the tests catch: hours
	$(GO) run ./internal/mutants -n $(MUTANTS) $(if $(SEED),-seed $(SEED)) $(if $(LEAST),-least $(LEAST))

suites: postgres ## other projects' tests, plain and through the pool, into docs/suites.md
	$(GO) run ./internal/suites -table "$(CURDIR)/docs/suites.md"

cross: ## vet the library and its tests for other systems; for Windows, where the tests have no server, compile the library
	@status=0; for target in darwin/arm64 linux/arm64 freebsd/amd64 linux/386; do echo "vet for $$target"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) vet $(PORTABLE) || status=1; done; \
	echo "build for windows/amd64"; CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build $(PORTABLE) || status=1; exit $$status

soak: postgres ## write tokens through SOAK (100000) faulted statements on each driver and count them; recycle under load for a minute
	SQLPOOL_SOAK=1 $(GO) test -count=1 -v -run '^TestRecyclingUnderLoad$$' ./internal/acceptance
	cd conformance/outage && SQLPOOL_FAULTED=$(SOAK) $(GO) test -count=1 -v -timeout 3h -run '^TestTheLedgerBalances$$' .

screenshots: postgres chromium ## take the pictures of the live page again, into docs/images
	cd hooks/debugui/browsertest && SQLPOOL_SCREENSHOTS="$(CURDIR)/docs/images" $(GO) test -count=1 -timeout $(TEST_TIMEOUT) -run '^TestScreenshots' .

clean: ## remove what these targets made, the cached initdb included
	rm -rf bin cover.out "$${XDG_CACHE_HOME:-$$HOME/.cache}/sqlpool/pgserver"
	find . -name '*.test' -o -name '*.prof' | xargs rm -f

postgres: # the server's programs, when they are missing
	@scripts/postgres

pgbouncer: # PgBouncer, when it is missing
	@scripts/pgbouncer

patroni: # Patroni, etcd and HAProxy, when one is missing
	@scripts/patroni

chromium: # a headless Chromium, when it is missing
	@scripts/chromium

prometheus: # promtool, when it is missing
	@scripts/prometheus

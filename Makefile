# Everything that is built goes to bin/ here or to the cache, which a second clone shares. Programs, tests and linters are
# built with the same settings, so that they share what the compiler has done; the Dockerfile builds for release.
export CGO_ENABLED := 0

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CACHE   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/firebreak
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOLS   := $(CACHE)/tools/$(shell cat tools/go.mod tools/go.sum 2>/dev/null | sha256sum | cut -c1-12)
LAB     := lab/bin/lab
PKGS    ?= ./...

.PHONY: help check-go bench demo demo-down programs build lab-build lab-up lab-down lab-status test test-lab lint fmt generate histories fuzz clean

help: ## Show every target
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check-go:
	@tools/check.sh

build: check-go ## Build bin/firebreak
	@mkdir -p bin
	@tools/build.sh bin/firebreak ./cmd/firebreak -ldflags "-X main.version=$(VERSION)"

lab-build: check-go ## Build the lab's program (its servers are built by `lab up`, with progress)
	@mkdir -p lab/bin
	@cd lab && ../tools/build.sh bin/lab ./cmd/lab

# Both programs at once: each has long packages that keep one core busy while the other would wait.
programs: check-go
	@$(MAKE) --no-print-directory -j2 build lab-build

lab-up: lab-build ## Start the lab: Temporal, Kubernetes with a real node, AWS
	@$(LAB) up

lab-status: lab-build ## Say what of the lab runs, and where
	@$(LAB) status

lab-down: lab-build ## End exactly what lab-up started
	@$(LAB) down

demo: programs lab-up ## Run the main job on real input: an alert becomes a contained, analyzed, ticketed case
	@eval "$$($(LAB) env)" && go run ./demo --firebreak bin/firebreak --lab $(LAB) --out out/demo

demo-down: lab-down ## End what the demo left running

test: programs ## Run every test, end to end included, on one lab
	@./lab/test.sh $(PKGS)

lint: $(TOOLS)/golangci-lint $(TOOLS)/workflowcheck ## Vet and lint both modules, and check that the workflows are deterministic
	@$(TOOLS)/golangci-lint run ./...
	@cd lab && $(TOOLS)/golangci-lint run --config ../.golangci.yml ./...
	@$(TOOLS)/workflowcheck -test=false -config workflows/workflowcheck.yaml ./workflows
	@echo "lint: nothing to say"

$(TOOLS)/%: | check-go
	@mkdir -p $(TOOLS)
	@cd tools && ./build.sh $@ $$(go list -f '{{.ImportPath}}' tool | grep '/$(@F)$$')

fmt: ## Format all Go code
	@gofmt -w $$(git ls-files '*.go')

generate: ## Rewrite golden files, generated documentation and manifests
	@go test ./activities/report ./cmd/firebreak ./config ./deploy ./playbooks/compile ./playbooks/layout ./triggers/falco -update

histories: programs lab-up ## Record anew, from the lab's Temporal, the histories that every build replays
	@eval "$$($(LAB) env)" && go test ./workflows/cases -count 1 -update

bench: programs lab-up ## Measure what the documentation claims, and write docs/benchmarks.md
	@eval "$$($(LAB) env)" && go run ./bench -lab $(LAB) -out docs/benchmarks.md

fuzz: ## Fuzz every parser for FUZZTIME each (default 30s)
	@./tools/fuzz.sh $(or $(FUZZTIME),30s)

clean: ## Remove what was built here; the cache and the lab stay
	@rm -rf bin lab/bin out

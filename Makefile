# The two commands are `make test` and `make demo`; `make help` lists all.
.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-identity fuzz lint fmt deny

SECONDS ?= 60
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz passes: coverage by LLVM's own pass, on the stable compiler.
fuzz: export RUSTFLAGS = -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cdebug-assertions -Coverflow-checks --cfg fuzzing

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: ## play two synthetic nights of three sources and show what comes out
	cargo run --release -- demo

test: ## run every test, on private PostgreSQL and RabbitMQ (installed and started when needed)
	deploy/services.sh with -- cargo test --release --workspace

bench: ## measure nights against bare limits, on private servers (HOUSEHOLDS=100000; some minutes; ONLY=decode: the parsers alone; ONLY=fan-out: subscribers, PERSONS=100000, STORE=postgres)
	deploy/services.sh with -- cargo bench --package promises --bench nights

bench-identity: ## measure who is who on labelled extracts, declared and trained (BENCH_LARGE=1: a million persons too)
	cargo bench --package promises --bench identity

fuzz: ## fuzz the parsers, the unwrapping and the mapping compiler (SECONDS=60 each; needs a C++ compiler)
	cd fuzz && cargo build --release --target $(HOST)
	for target in xml csv json mapping wrapping; do \
	  mkdir -p fuzz/corpus/$$target && fuzz/target/$(HOST)/release/$$target -max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=512 \
	    -print_final_stats=1 -artifact_prefix=fuzz/ fuzz/corpus/$$target || exit 1; \
	done

lint: ## check formatting, clippy and dependencies
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	$(MAKE) deny

fmt: ## format the code
	cargo fmt --all

deny: ## check licences, sources and banned crates; advisories where their database can be reached
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --quiet
	cargo deny check bans licenses sources
	@if cargo deny fetch db >/dev/null 2>&1; then cargo deny check advisories; else echo "advisories: the database cannot be reached from here, not checked"; fi

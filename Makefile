# The two commands are `make test` and `make demo`; `make help` lists all.
.DEFAULT_GOAL := help
.PHONY: help demo test bench lint fmt deny

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: ## play two synthetic nights of three sources and show what comes out
	cargo run --release -- demo

test: ## run every test, on private PostgreSQL and RabbitMQ (installed and started when needed)
	deploy/services.sh with -- cargo test --release --workspace

bench: ## measure nights against bare limits, on private servers (HOUSEHOLDS=100000; some minutes)
	deploy/services.sh with -- cargo bench --package promises --bench nights

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

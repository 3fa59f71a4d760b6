# What a developer runs every day; `just` lists it. CONTRIBUTING.md says more.

_default:
    @just --list

# Check everything that must hold on main: tests, format, lints, docs
check:
    .ci/run

# Format all code
fmt:
    cargo fmt --all

# Test everything, or what a filter names: `just test merging`
test *FILTER:
    cargo test {{ FILTER }}

# Test the formats of dumps: compiles no model, no index, no database
test-dump *FILTER:
    cargo test -p akin-dump {{ FILTER }}

# Run the README's and the docs' console blocks, and check their links and English
pages:
    cargo test --test suite console
    cargo test --test suite english

# Write what akin prints into the console blocks
pages-overwrite:
    AKIN_CONSOLE=overwrite cargo test --test suite console

# Run a benchmark: encoder, search, words or growth; docs/measure.md has the settings
bench NAME="encoder":
    cargo bench --bench {{ NAME }}

# Try every fault and a million spoilt inputs: half an hour
faults:
    AKIN_FAULTS=full PROPTEST_CASES=1000000 cargo test -- faults killed fuzz spoilt bad_line --nocapture

# Build the docs of all crates, and open them
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --open

# Check licences, advisories and sources of dependencies (needs cargo-deny)
deny:
    cargo deny check

# Draw the picture in the README
picture:
    cargo build --release
    PATH="{{ justfile_directory() }}/target/release:$PATH" python3 scripts/terminal_svg.py docs/terminal.svg \
        'akin search --in tests/data/arxiv-1000.jsonl "neural networks on graphs" -k 3'

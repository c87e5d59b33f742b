# What a developer runs; .ci/run does it all.

# List the recipes
default:
    @just --list

# The fast tests
test *args:
    uv run --extra dev pytest {{args}}

# Every test
test-all:
    uv run --extra dev pytest -m ""

# Lint, format, types, layers
check:
    uv run --extra dev ruff check
    uv run --extra dev ruff format --check
    uv run --extra dev mypy
    uv run --extra dev lint-imports

# Format
format:
    uv run --extra dev ruff check --fix
    uv run --extra dev ruff format

# JSON Schemas of all public files
schemas:
    uv run --extra dev python docs/schemas/make.py

# Exact versions for CI, without any address
constraints:
    uv pip compile --quiet --universal --no-header --no-annotate --all-extras --output-file constraints.txt pyproject.toml

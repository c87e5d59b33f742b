"""Whom the proxy forwards to: a list of addresses, and nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import msgspec

from taximeter import settings
from taximeter.errors import Problem, SetupError
from taximeter.rundir import safe_name

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OPTION = "--upstream"
_HINT = "write NAME=URL, such as --upstream openai=http://127.0.0.1:8000/v1"


class Upstream(msgspec.Struct, frozen=True):
    """A server that requests are forwarded to."""

    name: str
    """How paths and options call it."""

    url: str
    """What the base URL of an SDK would be, without a slash at its end."""

    provider: str
    """Who answers there, as price sheets know him."""

    asks: bool = True
    """Whether it tells the usage of a streamed chat only if it is asked to."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        """What stands before every path that is asked for there."""
        return urlsplit(self.url).path

    def target(self, rest: str) -> str:
        """The path to ask for: the rest behind the base URL, and no version (`/v1`) twice."""
        version = self.path.rpartition("/")[2]
        if version and (rest == f"/{version}" or rest.startswith(f"/{version}/")):
            rest = rest[len(version) + 1 :]
        return self.path + rest


KNOWN = {
    upstream.name: upstream
    for upstream in (
        Upstream("openai", "https://api.openai.com/v1", "openai"),
        Upstream("anthropic", "https://api.anthropic.com", "anthropic"),
        Upstream("gemini", "https://generativelanguage.googleapis.com", "google"),
        Upstream("mistral", "https://api.mistral.ai", "mistral", asks=False),
        Upstream("cohere", "https://api.cohere.com", "cohere", asks=False),
        Upstream("openrouter", "https://openrouter.ai/api/v1", "openrouter"),
        Upstream("groq", "https://api.groq.com/openai/v1", "groq"),
        Upstream("deepseek", "https://api.deepseek.com/v1", "deepseek"),
        Upstream("xai", "https://api.x.ai/v1", "x-ai"),
    )
}
"""Those that need not be named."""

VARIABLES = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL", "gemini": "GOOGLE_GEMINI_BASE_URL"}
"""Where the SDKs look for a base URL."""


def upstreams(named: Iterable[str], environment: Mapping[str, str] = os.environ) -> dict[str, Upstream]:
    """The known ones; in their place those that the variables of the SDKs name; in place of both those of NAME=URL.

    SetupError with all that is wrong with what a person named.
    """
    told = [
        (name, environment[variable], variable) for name, variable in VARIABLES.items() if environment.get(variable)
    ]
    for pair in named:
        name, _, url = pair.partition("=")
        told.append((name, url, _OPTION))
    problems = [problem for name, url, where in told if (problem := _problem_of(name, url, where)) is not None]
    if problems:
        raise SetupError(*problems)
    return KNOWN | {name: _upstream(name, url.rstrip("/")) for name, url, _ in told}


def check_no_loop(address: str, known: Mapping[str, Upstream]) -> None:
    """SetupError if an upstream is the proxy at this address, as a variable of an earlier one may have it."""
    own = urlsplit(address)
    for upstream in known.values():
        there = urlsplit(upstream.url)
        if there.port == own.port and there.hostname in {own.hostname, *LOOPBACK}:
            unset = f", or unset {VARIABLES[upstream.name]}" if upstream.name in VARIABLES else ""
            hint = f"name the real server with --upstream {upstream.name}=URL{unset}"
            raise SetupError(Problem(f"the upstream {upstream.name} is this proxy itself", hint))


def environment(address: str, known: Mapping[str, Upstream]) -> dict[str, str]:
    """The variables that send the SDKs of a program to the proxy at this address."""
    version = "/v1" if known["openai"].path.endswith("/v1") else ""
    urls = {variable: f"{address}/{name}{version if name == 'openai' else ''}" for name, variable in VARIABLES.items()}
    return {settings.PROXY.name: address, **urls}


def _upstream(name: str, url: str) -> Upstream:
    known = KNOWN.get(name)
    return Upstream(name, url, name) if known is None else msgspec.structs.replace(known, url=url)


def _problem_of(name: str, url: str, where: str) -> Problem | None:
    if not name or safe_name(name) != name or len(name) == 1:
        return Problem(f"{name!r} cannot name an upstream", hint=f"{_HINT}; a name has two letters or more", key=where)
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        hint = _HINT if where == _OPTION else "set it to a URL such as http://127.0.0.1:8000/v1, or unset it"
        return Problem(f"the address of {name} is no http:// or https:// URL", hint=hint, key=where)
    if "@" in parts.netloc or parts.query or parts.fragment:
        hint = "name the server and a path; keys are sent by the program, as it sends them without the proxy"
        return Problem(f"the address of {name} has more than a host and a path", hint=hint, key=where)
    return None

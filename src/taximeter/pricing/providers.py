"""One name for each provider: the OpenTelemetry conventions, gateways and price lists each have their own."""

from __future__ import annotations

_SAME = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "az.ai.openai": "azure",
    "azure_ai": "azure",
    "bedrock": "aws",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot_ai": "moonshotai",
    "vertex_ai": "google",
    "x_ai": "x-ai",
    "xai": "x-ai",
}


def canonical(provider: str) -> str:
    """The name under which price lists know a provider; an unknown one as it is, in lower case."""
    name = provider.strip().lower()
    return _SAME.get(name, name)

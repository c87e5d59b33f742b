"""Puts the hooks into the SDKs of this process."""

from __future__ import annotations

from wrapt import register_post_import_hook

_HOOKS = {
    "openai._base_client": "taximeter.capture.stainless:hook",
    "anthropic._base_client": "taximeter.capture.stainless:hook",
    "google.genai._api_client": "taximeter.capture.google:hook",
    "mistralai.client.basesdk": "taximeter.capture.mistral:hook",
    "mistralai.client._hooks.sdkhooks": "taximeter.capture.mistral:hook_tries",
}
"""The module that is hooked, and what hooks it once somebody has imported it."""

_installed: set[str] = set()


def instrument() -> None:
    """Records every call of the SDKs of OpenAI, Anthropic, Google and Mistral in this process, from now on.

    Takes what is imported already and what will be, imports no SDK itself, and may be called again. Calls go where
    those of `log_llm_usage` go, in the span that is open where they begin.
    """
    for module, hook in _HOOKS.items():
        if module not in _installed:
            _installed.add(module)
            register_post_import_hook(hook, module)

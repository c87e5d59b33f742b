"""The dashboards of all projects at one address: each shows its runs to those who have its token."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from taximeter.web.access import Access


class Dashboards:
    """Hands a request to the dashboard whose token comes with it; to the first one, which asks for a token, if none."""

    def __init__(self, doors: Sequence[tuple[Access, ASGIApp]]) -> None:
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        opened = self._doors[0][1]
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            opened = next((app for access, app in self._doors if access.admits(headers)), opened)
        await opened(scope, receive, send)

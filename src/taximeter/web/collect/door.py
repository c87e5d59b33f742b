"""Whose request it is: by its token where there are tokens, else anybody's on this machine but a foreign page's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.datastructures import Headers
from starlette.types import Scope

from taximeter.web.access import Access, is_foreign
from taximeter.web.collect.projects import Ring
from taximeter.web.collect.shelf import Shelf
from taximeter.web.collect.verdict import RefusedError


class Door(Protocol):
    """Lets requests in."""

    def project(self, scope: Scope, headers: Headers) -> str:
        """The project of a request; RefusedError if it may not come in."""
        ...


class TokenDoor:
    """Lets those in who show the token of a project."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def project(self, scope: Scope, headers: Headers) -> str:
        """The project of the token."""
        project = self._ring.project(_bearer(headers))
        if project is None:
            raise RefusedError(401, "the token is missing or wrong")
        return project


class LocalDoor:
    """Lets in whom the dashboard lets in; pages of other sites in a browser on this machine are none of them."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def project(self, scope: Scope, headers: Headers) -> str:
        """There is only one."""
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._access.knows_host(host):
            raise RefusedError(421, "this server does not go by that name: see --allow-host")
        if is_foreign(scope, headers, host):
            raise RefusedError(403, "a page of another site may not ask this server")
        if self._access.token is not None and not self._access.is_token(_bearer(headers)):
            raise RefusedError(401, "the token is missing or wrong")
        return ""


def _bearer(headers: Headers) -> str:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


Shelves = Mapping[str, Shelf]
"""By the name of the project; without tokens there is one, which has none."""

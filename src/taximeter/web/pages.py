"""The pages themselves: one shell for all of them, its styles and scripts, and the page that asks for the token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from taximeter.redact import visible
from taximeter.report.html import SCRIPTS
from taximeter.rundir import OutputDir
from taximeter.web.access import Access

_TYPES = {"css": "text/css", "js": "text/javascript"}
_LONGEST, _PAUSE = 8_192, 0.5
"""Bytes of a form that are read, and seconds that a wrong token takes."""

_OWN = ("highlight", "list", "summary", "stages", "artifacts", "compare", "trend", "live", "dashboard")
"""Files of the dashboard, in the order in which they are loaded, after those of the viewer."""


def routes(output: OutputDir, doors: Sequence[Access]) -> list[Route]:
    """Pages, styles and scripts; who shows the token of one of the doors gets the cookie for it."""
    shell, login = _shell(output), _Login(doors)
    return [
        *(Route(path, shell) for path in ("/", "/runs/{run:any}", "/compare", "/trend")),
        Route("/static/{name}", _static),
        Route("/viewer/{name}", _viewer),
        Route("/login", login.page),
        Route("/login", login.post, methods=["POST"]),
    ]


def _shell(output: OutputDir) -> Callable[[Request], Response]:
    scripts = [*(f"/viewer/{name}.js" for name in SCRIPTS), *(f"/static/{name}.js" for name in _OWN)]
    page = Template(_read("taximeter.web", "static/shell.html")).substitute(
        viewer=Template(_viewer_body()).substitute(footer=""),
        manifest=escape(visible(str(output.manifest))),
        scripts="\n".join(f'<script src="{path}" defer></script>' for path in scripts),
    )

    def shell(_request: Request) -> Response:
        return Response(page, media_type="text/html")

    return shell


def _viewer_body() -> str:
    """What the page of a run is drawn into: all that stands before its data."""
    _, _, body = _read("taximeter.report", "viewer/page.html").partition("<body>\n")
    return body.partition('<script type="application/json"')[0]


def _static(request: Request) -> Response:
    return _file("taximeter.web", "static", request.path_params["name"])


def _viewer(request: Request) -> Response:
    return _file("taximeter.report", "viewer", request.path_params["name"])


def _file(package: str, folder: str, name: str) -> Response:
    stem, _, suffix = name.partition(".")
    if suffix not in _TYPES or not stem.isidentifier():
        return Response(status_code=404)
    try:
        text = _read(package, f"{folder}/{name}")
    except FileNotFoundError:
        return Response(status_code=404)
    return Response(text, media_type=_TYPES[suffix], headers={"cache-control": "no-cache"})


def _read(package: str, path: str) -> str:
    return files(package).joinpath(*path.split("/")).read_text(encoding="utf-8")


class _Login:
    def __init__(self, doors: Sequence[Access]) -> None:
        self._doors = [door for door in doors if door.token is not None]

    def page(self, _request: Request) -> Response:
        return Response(_read("taximeter.web", "static/login.html"), media_type="text/html")

    async def post(self, request: Request) -> Response:
        """Who shows the token gets a cookie that only this server sees, and no script."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST:
                return Response(status_code=413)
        given = parse_qs(body.decode("ascii", "replace")).get("token", [""])[0]
        opened = [door for door in self._doors if door.is_token(given.strip())]
        if not opened:
            await asyncio.sleep(_PAUSE)
            return Response(
                _read("taximeter.web", "static/login.html").replace('<p role="alert" hidden>', '<p role="alert">'),
                403,
                media_type="text/html",
            )
        answer = RedirectResponse("/", 303)
        name, value = opened[0].cookie()
        answer.set_cookie(name, value, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer

"""What a request says: names in its path, figures in its query."""

from __future__ import annotations

import math

from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request


class AnyName(Convertor[str]):
    """`{name:any}` in a path: any text, slashes and line ends as well."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("any", AnyName())


def number(request: Request, name: str, default: float, least: float = -1e18, most: float = 1e18) -> float:
    """A number that the query gives, kept between two others; HTTPException if it is none."""
    given = request.query_params.get(name)
    if given is None:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise HTTPException(400, f"{name} is not a number")
    return min(max(value, least), most)

"""Content codings of HTTP, undone piece by piece as a body goes by."""

from __future__ import annotations

import sys
import zlib
from importlib import import_module
from typing import Any, Protocol


class CodingError(Exception):
    """A body cannot be decoded: a coding that nobody here knows, or data that is not in it."""


class Decoder(Protocol):
    """Undoes one coding."""

    def feed(self, data: bytes) -> bytes:
        """What this piece adds; CodingError if it is not in the coding."""


class _Plain:
    def feed(self, data: bytes) -> bytes:
        return data


class _Zlib:
    """gzip, members that follow each other included; and deflate, with its header or without."""

    def __init__(self, *wbits: int) -> None:
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits[0])

    def feed(self, data: bytes) -> bytes:
        out = b""
        while data:
            try:
                out += self._stream.decompress(data)
            except zlib.error as error:
                if len(self._wbits) == 1:
                    raise CodingError(str(error)) from None
                self._wbits = self._wbits[1:]
                self._stream = zlib.decompressobj(self._wbits[0])
                continue
            data = self._stream.unused_data
            if data:
                self._stream = zlib.decompressobj(self._wbits[0])
        return out


class _Brotli:
    def __init__(self) -> None:
        brotli: Any = import_module("brotli")  # it has no types
        self._stream = brotli.Decompressor()
        self._error: type[Exception] = brotli.error

    def feed(self, data: bytes) -> bytes:
        try:
            out: bytes = self._stream.process(data)
        except self._error as error:
            raise CodingError(str(error)) from None
        return out


class _Zstd:
    """Frames that follow each other."""

    def __init__(self) -> None:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        self._new: Any = zstd.ZstdDecompressor
        self._error: type[Exception] = zstd.ZstdError
        self._stream = self._new()

    def feed(self, data: bytes) -> bytes:
        out = b""
        while data:
            if self._stream.eof:
                self._stream = self._new()
            try:
                out += self._stream.decompress(data)
            except self._error as error:
                raise CodingError(str(error)) from None
            data = self._stream.unused_data
        return out


def decoder(coding: str) -> Decoder:
    """Undoes what `Content-Encoding` names; CodingError for a coding that nobody here knows, or for several."""
    match coding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Zlib(31)
        case "deflate":
            return _Zlib(15, -15)
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
    raise CodingError(f"content coding {coding[:40]!r}")


def decoded(data: bytes, coding: str) -> bytes:
    """A whole body without its coding; CodingError as above."""
    return decoder(coding).feed(data)

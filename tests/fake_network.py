"""A network for tests: addresses and what they give, in place of the real one."""

from __future__ import annotations

import io
from urllib.error import URLError


class Answer(io.BytesIO):
    """What a server sends."""

    def __init__(self, content: bytes, length: int | None, end: str):
        super().__init__(content)
        self.headers = {} if length is None else {"Content-Length": str(length)}
        self._end = end

    def geturl(self) -> str:
        return self._end


class Network:
    """Gives what `pages` holds; everything else cannot be reached."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Exception] = {}
        self.lengths: dict[str, int] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []

    def open(self, url: str) -> Answer:
        self.asked.append(url)
        page = self.pages.get(url, URLError("Name or service not known"))
        if isinstance(page, Exception):
            raise page
        length = self.lengths.get(url, len(page))
        return Answer(page, length, self.redirects.get(url, url))

"""Where the sink is: its URL, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """`path` with its query, as a request names it."""

    tls: bool
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Target:
        """Return it; ValueError when this is no http(s) URL of a server."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise ValueError(f"{url!r} names no port between 1 and 65535") from error
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(f"sink.url is http(s)://HOST[:PORT]/PATH, not {url!r}")
        if parts.username is not None:
            raise ValueError("sink.url holds no password: name a token_file")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not path.isascii() or not path.isprintable() or " " in path:
            raise ValueError(f"sink.url has a path that no request can carry: {path!r}")
        return cls(parts.scheme == "https", parts.hostname, port or PORTS[parts.scheme], path)

    @property
    def named(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"

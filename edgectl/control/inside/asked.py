"""Questions to a store's Kubernetes through a tunnel, by the official client.

Owns: how answers are read (as they come, without the client's models), and the sentence for each way not to get one.
Must not know what is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from edgectl.control.tunnel.tunnel import Tunnel
from edgectl.wire.errors import EdgectlError, InvalidInput, NotReady, Refused, Unreachable

Json = dict[str, Any]
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
_BACK_SECONDS = 120.0  # how long a link may be away in the middle of a question
_TRIES = 3  # with the link standing, a second between them
_PIECE_BYTES = 16 * 1024
_LONGEST_LINE = 64 * 1024
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _BAD = 401, 403, 404, 400


class Asking:
    """The client, once; `api` is its CoreV1Api."""

    def __init__(self, there: Tunnel) -> None:
        from kubernetes import client, config

        self.there = there
        made: Any = config.new_client_from_config(config_file=str(there.path))  # type: ignore[no-untyped-call]
        self.api = client.CoreV1Api(made)

    def answer(self, call: Callable[..., Any], *args: object, **options: object) -> Any:
        """Return an answer that is not read yet (urllib3's); asked again when the link, or k3s, was away for a moment.

        Raises Refused, InvalidInput (what is asked for is not there), NotReady, Unreachable.
        """
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        options.setdefault("_request_timeout", (CONNECT_SECONDS, READ_SECONDS))
        for left in range(_TRIES, -1, -1):
            try:
                return call(*args, _preload_content=False, **options)
            except ApiException as error:
                if error.status:
                    raise _said(error.status, _message(error.body) or str(error.reason)) from error
                broken: Exception = error  # TLS broke off
            except (HTTPError, OSError) as error:
                broken = error
            if not left or not self.there.wait(_BACK_SECONDS):
                break
        raise Unreachable(
            f"{self.there.store}'s Kubernetes API does not answer through the tunnel",
            hint=f"edgectl status {self.there.store} says how the store is",
            details=(str(broken)[:300],),
        ) from broken

    def document(self, call: Callable[..., Any], *args: object, **options: object) -> Json:
        """Return a whole answer."""
        response = self.answer(call, *args, **options)
        try:
            found = json.loads(response.data)
        except ValueError as error:
            raise NotReady("the Kubernetes API's answer cannot be read", hint="run the same command again") from error
        finally:
            response.release_conn()
        return dict(found)


def lines(response: Any) -> Iterator[str]:
    """Yield an answer's lines as they come; a line that does not end is given in pieces."""
    for text, _ in pieces(response):
        yield text


def pieces(response: Any) -> Iterator[tuple[str, bool]]:
    """Yield an answer's lines as they come, each with whether a line begins there; a long one goes on without."""
    waiting, begins = b"", True
    try:
        for piece in response.stream(_PIECE_BYTES, decode_content=False):
            *whole, waiting = (waiting + piece).split(b"\n")
            for line in whole:
                if line or begins:
                    yield line.decode("utf-8", "replace"), begins
                begins = True
            if len(waiting) > _LONGEST_LINE:
                yield waiting.decode("utf-8", "replace"), begins
                waiting, begins = b"", False
        if waiting:
            yield waiting.decode("utf-8", "replace"), begins
    finally:
        response.close()


def _said(status: int | None, message: str) -> EdgectlError:
    """Return the error for what the API says."""
    if status == _UNAUTHORIZED:
        return Refused("the tunnel's time is over: its token opens nothing any more", hint="run the same command again")
    if status == _FORBIDDEN:
        return Refused(
            f"a tunnel only reads, and not everything: {message}", hint="edgectl kubectl STORE -- ... as root"
        )
    if status in {_NOT_FOUND, _BAD}:
        return InvalidInput(message)
    return NotReady(f"the Kubernetes API cannot answer now: {message}", hint="run the same command again")


def _message(body: Any) -> str:
    try:
        return str(json.loads(body).get("message", ""))
    except (ValueError, TypeError, AttributeError):
        return ""

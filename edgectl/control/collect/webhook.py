"""Alerts posted to somebody's address: an Alertmanager, or a webhook that takes what an Alertmanager would send.

Owns: both forms, and one POST that ends in time. What opens the address (a token, the address itself) is veiled: no
sentence from here holds it.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from edgectl.control.link.secret import Secret
from edgectl.wire.upward import refused

SECONDS = 15.0
_ALERTMANAGER = "/api/v2/alerts"
_HOLDS_SECONDS = 86400.0  # an Alertmanager believes an alert so long without hearing of it again
_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Posted:
    """One alert as it is told. `ends` is 0 while it lasts; times are seconds since 1970."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts: float
    ends: float = 0.0


class Webhook:
    """An address. Raises ValueError, whose text says what is wrong with it and quotes nothing of it."""

    def __init__(self, url: Secret, token: Secret | None = None) -> None:
        self._url = url
        self._token = token
        text = url.reveal()
        bare = text.partition("#")[0].partition("?")[0]  # a query may be what opens a webhook
        if why := refused(bare):
            raise ValueError(why.replace("say secret: NAME/KEY, which is sent as a bearer token", "give a token"))
        if token is not None and not (token.reveal().isascii() and token.reveal().isprintable()):
            raise ValueError("the token is none that a header can hold")
        at = urlsplit(text)
        self.where = f"{at.scheme}://{at.hostname}" + (f":{at.port}" if at.port else "")
        self.repeats = at.path.rstrip("/").endswith(_ALERTMANAGER)
        """Whether it must be told again of what lasts: an Alertmanager forgets, a webhook is told of changes alone."""

    def post(self, alerts: Sequence[Posted], now: float, *, seconds: float = SECONDS) -> str:
        """Tell of alerts; returns why they were not taken, "" when they were."""
        document: Any = [_alertmanager(one, now) for one in alerts] if self.repeats else _webhook(alerts)
        why = [f"{self.where} did not answer within {seconds:.0f} s"]

        def work() -> None:
            why[0] = self._post(json.dumps(document).encode(), seconds)

        posting = Thread(
            target=work, daemon=True, name="alerts"
        )  # one that answers a byte a second has a deadline, too
        posting.start()
        posting.join(seconds)
        return why[0]

    def _post(self, body: bytes, seconds: float) -> str:
        at = urlsplit(self._url.reveal())
        headers = {"Content-Type": "application/json", "User-Agent": "edgectl"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
        connection = kind(at.hostname or "", at.port, timeout=seconds)
        try:
            connection.request("POST", (at.path or "/") + (f"?{at.query}" if at.query else ""), body, headers)
            answer = connection.getresponse()
            answer.read(4096)
        except ssl.SSLError as error:
            return f"{self.where} is not trusted: {error.reason or 'TLS'}"
        except (OSError, http.client.HTTPException) as error:
            return f"{self.where} cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}"
        finally:
            connection.close()
        return "" if answer.status in _OK else f"{self.where} answered {answer.status}"


def _alertmanager(one: Posted, now: float) -> dict[str, Any]:
    """Return an alert as POST /api/v2/alerts takes it."""
    return {
        "labels": one.labels,
        "annotations": one.annotations,
        "startsAt": _time(one.starts),
        "endsAt": _time(one.ends or now + _HOLDS_SECONDS),
    }


def _webhook(alerts: Sequence[Posted]) -> dict[str, Any]:
    """Return alerts as an Alertmanager posts them to a webhook (version 4)."""
    firing = any(not one.ends for one in alerts)
    return {
        "version": "4",
        "receiver": "edgectl",
        "groupKey": "edgectl",
        "status": "firing" if firing else "resolved",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": [
            {
                "status": "resolved" if one.ends else "firing",
                "labels": one.labels,
                "annotations": one.annotations,
                "startsAt": _time(one.starts),
                "endsAt": _time(one.ends) if one.ends else "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": "/".join(one.labels.values()),
            }
            for one in alerts
        ],
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

"""Why the sink is not reached: one sentence that names the first broken stage, and what kind of fault it is.

Owns: the judgement, from what a stage has met. Opens nothing; `dial` does.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from edgectl.stack.uplink.certificate import Validity
from edgectl.stack.uplink.dial import ANSWER, DNS, FILES, REQUEST, TCP, TLS, Broken
from edgectl.stack.uplink.span import span
from edgectl.stack.uplink.target import Target
from edgectl.wire.chain import CLOCK, CONFIG, NETWORK

HTTP, DATE = "http", "date"  # stages after those of `dial`: a status, and a clock that differs
SKEW_SECONDS = 300.0

# X509_V_ERR_... (openssl/x509_vfy.h), as SSLCertVerificationError.verify_code
_NOT_YET, _EXPIRED = 9, 10
_UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is broken first on the way to the sink."""

    stage: str
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a certificate that was refused: its dates, and what time its server says it is."""

    validity: Validity | None = None
    theirs: float | None = None


def untimely(broken: Broken) -> bool:
    """Tell whether this is a matter of a certificate's dates."""
    return isinstance(broken.cause, ssl.SSLCertVerificationError) and broken.cause.verify_code in {_NOT_YET, _EXPIRED}


def judge(broken: Broken, target: Target, *, now: float, seen: Seen | None = None) -> Fault:
    """Return the fault of one stage. `now`: what the machine's clock says, since TLS goes by it."""
    cause = broken.cause
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate(cause, target, now, seen or Seen())
    at = f"{target.host}: "
    if broken.stage == FILES:
        return Fault(FILES, CONFIG, f"{at}{cause.__class__.__name__}: {cause}")
    if broken.stage == DNS:
        return Fault(DNS, NETWORK, at + _dns(cause))
    if broken.stage == TCP:
        return Fault(TCP, NETWORK, at + _tcp(cause, target.port))
    if broken.stage == TLS:
        return _tls(cause, at, target.port)
    if isinstance(cause, TimeoutError):
        what = (
            "takes no more of a batch" if broken.stage == REQUEST else "takes the events, but does not answer in time"
        )
        return Fault(broken.stage, NETWORK, at + what)
    where = "in the middle of its answer" if broken.stage == ANSWER else "in the middle of a batch"
    return Fault(broken.stage, NETWORK, f"{at}the connection broke off {where}")


def refusal(status: int, target: Target, text: str = "") -> Fault:
    """Return what a status other than 2xx means for all that waits."""
    at = f"{target.host}: "
    known = f" ({HTTPStatus(status).phrase})" if status in HTTPStatus._value2member_map_ else ""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Fault(HTTP, CONFIG, f"{at}refuses this store's token (HTTP {status})")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Fault(HTTP, NETWORK, f"{at}asks for fewer requests (HTTP 429)")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Fault(HTTP, NETWORK, f"{at}answers HTTP {status}{known}")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Fault(HTTP, CONFIG, f"{at}sends us elsewhere (HTTP {status}{known}): name the right sink.url")
    said = f": {text}" if text else ""
    return Fault(HTTP, CONFIG, f"{at}takes nothing at {target.path} (HTTP {status}{known}){said}")


def skewed(date: str, target: Target, *, now: float) -> Fault | None:
    """Return what is wrong with this store's clock, by the Date of an answer; None when it is well or unknown."""
    theirs = moment(date)
    if theirs is None or abs(theirs - now) <= SKEW_SECONDS:
        return None
    return Fault(DATE, CLOCK, _apart(target, now, theirs))


def moment(date: str) -> float | None:
    """Return the seconds since 1970 of an HTTP date; None for what is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _certificate(error: ssl.SSLCertVerificationError, target: Target, now: float, seen: Seen) -> Fault:
    at = f"{target.host}: its TLS certificate"
    dates, theirs, code = seen.validity, seen.theirs, error.verify_code
    if code in {_NOT_YET, _EXPIRED}:
        would = dates is not None and theirs is not None and dates.start <= theirs <= dates.end
        if theirs is not None and would and abs(theirs - now) > SKEW_SECONDS:
            looks = "not yet valid" if code == _NOT_YET else "expired"
            return Fault(TLS, CLOCK, f"{_apart(target, now, theirs)}, so its TLS certificate looks {looks}")
        if code == _NOT_YET:
            since = f" before {_day(dates.start)}" if dates is not None and dates.start > now else " yet"
            return Fault(TLS, CLOCK, f"{at} is not valid{since}, and this store's clock says {_day(now)}")
        if dates is not None and dates.end < now:
            return Fault(TLS, CONFIG, f"{at} expired on {_day(dates.end)}")
        return Fault(TLS, CONFIG, f"{at} hangs on one that has expired")
    if code in _OTHER_NAME:
        return Fault(TLS, CONFIG, f"{at} is for another name")
    if code in _UNKNOWN_ISSUER:
        return Fault(TLS, CONFIG, f"{at} is of an issuer that this store does not know")
    return Fault(TLS, CONFIG, f"{at} is not accepted: {error.verify_message}")


def _dns(cause: BaseException) -> str:
    if isinstance(cause, TimeoutError):
        return "its name is not resolved (DNS does not answer)"
    number = cause.errno if isinstance(cause, socket.gaierror) else None
    if number in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}:
        return "its name is not known (DNS)"
    if number == socket.EAI_AGAIN:
        return "its name is not resolved (DNS does not answer)"
    return f"its name is not resolved ({cause})"


def _tcp(cause: BaseException, port: int) -> str:
    if isinstance(cause, TimeoutError):
        return f"port {port} does not answer"
    if isinstance(cause, ConnectionRefusedError):
        return f"port {port} refuses connections"
    return f"port {port} is not reached ({getattr(cause, 'strerror', None) or cause})"


def _tls(cause: BaseException, at: str, port: int) -> Fault:
    if isinstance(cause, TimeoutError):
        return Fault(TLS, NETWORK, f"{at}port {port} takes the connection, but says nothing (TLS)")
    if isinstance(cause, ssl.SSLError) and cause.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
        return Fault(TLS, CONFIG, f"{at}port {port} speaks no TLS")
    if isinstance(cause, ssl.SSLError) and cause.reason and not isinstance(cause, ssl.SSLEOFError):
        return Fault(TLS, CONFIG, f"{at}no TLS with port {port} ({cause.reason.lower().replace('_', ' ')})")
    return Fault(TLS, NETWORK, f"{at}port {port} breaks off TLS")


def _apart(target: Target, now: float, theirs: float) -> str:
    ahead = now > theirs
    seconds = abs(now - theirs)
    return f"this store's clock is {span(seconds)} {'ahead of' if ahead else 'behind'} that of {target.host}"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")

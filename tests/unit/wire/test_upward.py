"""Which addresses a node may tell of itself to."""

from __future__ import annotations

import re

import pytest

from edgectl.wire.upward import refused


@pytest.mark.parametrize(
    "url",
    [
        "https://upward.example.com/edgectl",
        "https://203.0.113.9:8443/",
        "http://127.0.0.1:8080/",
        "http://localhost/x",
        "http://10.77.0.2",
        "http://192.168.1.2/a",
        "http://[fd00::1]:80/",
        "http://[::1]/",
    ],
)
def test_these_may(url: str) -> None:
    """TLS to anywhere; without it, only to this machine and the store's own network."""
    assert refused(url) == ""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://upward.example.com/", "read by everybody"),
        ("http://203.0.113.9/", "read by everybody"),
        ("http://127.0.0.1.example.com/", "read by everybody"),
        ("http://100.64.0.1/", "read by everybody"),
        ("https://ada:hunter2@upward.example.com/", "no user and no password"),
        ("https://hunter2@upward.example.com/", "no user and no password"),
        ("https://upward.example.com/?token=hunter2", "no \\?"),
        ("https://upward.example.com/#hunter2", "no \\?"),
        ("ftp://upward.example.com/", "https://... is needed"),
        ("upward.example.com", "https://... is needed"),
        ("https:///x", "https://... is needed"),
        ("https://upward.example.com:99999/", "a port"),
        ("https://upward.example.com/a b", "without blanks"),
        ("https://upward.example.com/\r\nX: hunter2", "without blanks"),
        ("https://bücher.example/", "ASCII"),
        ("", "https://... is needed"),
    ],
)
def test_these_may_not(url: str, why: str) -> None:
    """Law: no sentence shows the address, which may hold a password."""
    found = refused(url)
    assert re.search(why, found), found
    assert "hunter2" not in found

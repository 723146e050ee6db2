"""YAML is read as Helm and Kubernetes read it."""

from __future__ import annotations

import pytest

from edgectl.control.kubeyaml import load_all


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", 420),  # defaultMode of a volume
        ("0o17", 15),
        ("0x1F", 31),
        ("-5", -5),
        ("1e3", 1000.0),
        ("1.10", 1.1),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("2026-11-21", "2026-11-21"),  # no dates
        ("12:30:45", "12:30:45"),  # no base 60
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("on", True),
        ("<<", "<<"),  # Helm's toYaml writes it bare
        ("=", "="),
        ("~", None),
    ],
)
def test_scalars(text: str, value: object) -> None:
    """A value means the same to us as to the program that gets it."""
    (document,) = load_all(f"key: {text}\n")
    assert document == {"key": value}
    assert type(document["key"]) is type(value)

"""What the service can be told, by a file and by flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.stack.inference.settings import Settings, settings


def test_without_a_word_all_has_a_default() -> None:
    assert settings([], None) == Settings()


def test_a_flag_goes_before_the_file(tmp_path: Path) -> None:
    """Law: --config sets keys, a flag wins."""
    file = tmp_path / "inference.json"
    file.write_text('{"max_batch": 4, "max_delay_ms": 5, "provider": "cuda"}')
    told = settings(["--config", str(file), "--max-batch", "1", "--port", "9"], None)
    assert (told.max_batch, told.max_delay_ms, told.provider, told.port) == (1, 5.0, "cuda", 9)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "Expecting"),
        ('{"max_bach": 4}', "unknown key 'max_bach'"),
        ('{"max_batch": 0}', "max_batch is at least 1"),
        ('{"max_batch": "4"}', "int is needed"),
        ('{"provider": "tpu"}', "provider is one of"),
        ('{"unsure_low": 0.9}', "unsure_low <= unsure_high"),
        ('{"max_delay_ms": -1}', "max_delay_ms"),
        ('{"queue": 0}', "queue"),
        ('{"deadline_ms": 0}', "deadline_ms"),
        ('{"memory_mib": -1}', "memory_mib"),
    ],
)
def test_what_does_not_hold_is_named(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Law: a file that cannot be kept ends the start with its name and the key."""
    file = tmp_path / "inference.json"
    file.write_text(text)
    with pytest.raises(SystemExit):
        settings(["--config", str(file)], None)
    said = capsys.readouterr().err
    assert sentence in said
    assert str(file) in said

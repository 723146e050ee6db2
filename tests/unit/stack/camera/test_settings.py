"""Laws of the settings: what cannot be meant is named, all of it at once; passwords come from the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.stack.camera.settings import Camera, Inference, Settings, filled, kind_of, problems, read, redacted


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("synthetic:7", "synthetic"),
        ("file:/videos/a.mp4", "file"),
        ("rtsp://10.0.0.7/live", "rtsp"),
        ("v4l2:/dev/video0", "v4l2"),
        ("synthetic:x", None),
        ("synthetic:", None),
        ("rtsp:10.0.0.7", None),
        ("http://10.0.0.7", None),
        ("/dev/video0", None),
        ("", None),
    ],
)
def test_a_source_is_one_of_four(source: str, kind: str | None) -> None:
    assert kind_of(source) == kind


def test_all_that_cannot_be_meant_is_said_at_once(tmp_path: Path) -> None:
    """Whoever writes the file corrects it once, not five times."""
    file = tmp_path / "camera.json"
    cameras = {"Door": {"source": "synthetic:1"}, "aisle": {"source": "ftp://x", "fps": 0, "width": -1}}
    file.write_text(json.dumps({"cameras": cameras, "inference": {"workers": 0}, "events": {"mode": "some"}}))
    with pytest.raises(ValueError, match=r".*cameras\.Door.*aisle\.source.*aisle\.fps.*width.*workers.*mode"):
        read(file)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0])
def test_what_is_no_number_is_no_deadline(number: float) -> None:
    assert list(problems(Settings(inference=Inference(deadline_ms=number))))


def test_an_empty_file_is_a_service_without_cameras(tmp_path: Path) -> None:
    """Every key has a default."""
    file = tmp_path / "camera.json"
    file.write_text("{}")
    assert read(file) == Settings()


@pytest.mark.parametrize("text", ["", "[]", '{"camera": {}}', '{"cameras": {"door": {}}}'])
def test_what_is_no_setting_is_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "camera.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"camera|object|JSON"):
        read(file)


def test_a_camera_is_not_called_canary() -> None:
    """Its events would be taken for canaries'."""
    assert list(problems(Settings(cameras={"canary": Camera("synthetic:1")})))


def test_a_password_comes_from_the_environment_escaped() -> None:
    source = "rtsp://$USER_A:${PASS_A}@10.0.0.7/live"
    assert filled(source, {"USER_A": "me", "PASS_A": "a/b@c"}) == "rtsp://me:a%2Fb%40c@10.0.0.7/live"
    assert filled("rtsp://h/a$$b", {}) == "rtsp://h/a$b"


@pytest.mark.parametrize(("source", "said"), [("rtsp://$NOBODY@h", "NOBODY"), ("rtsp://h/$", r"\$\$")])
def test_a_variable_that_is_missing_is_named(source: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        filled(source, {})


def test_no_password_is_shown() -> None:
    assert redacted("rtsp://me:secret@10.0.0.7:554/live?token=secret") == "rtsp://10.0.0.7:554/live"

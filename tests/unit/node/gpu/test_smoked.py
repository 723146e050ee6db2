"""What a smoke's end says of its GPU. tests/cases/node/smokes.json: as the script said it, on the sandbox's library."""

from __future__ import annotations

import json

import pytest

from edgectl.node.gpu.proof import Device
from edgectl.node.gpu.smoked import judged, listed
from edgectl.node.io.programs import Ran
from tests.unit.node.fake import FakeNode, case, ran

GPU = "GPU-5a9dbc01-0000-4000-8000-000000000000"
GOOD = json.loads(case("smokes")["good"]["out"])


def smoked(name: str) -> Ran:
    """Return a smoke that was recorded."""
    found = case("smokes")[name]
    return ran(found["out"], code=found["code"], err=found["err"])


def judge(end: Ran, uuid: str = GPU) -> Device:
    """Judge an end with the usual deadline."""
    return judged(end, uuid, 30.0)


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("wrong", 2, "the GPU computes wrongly: 1 of 65536 numbers"),
        ("out-of-memory", 2, "CUDA_ERROR_OUT_OF_MEMORY (2) at cuMemAlloc_v2"),
        ("launch-failed", 2, "CUDA_ERROR_LAUNCH_FAILED (719) at cuCtxSynchronize"),
        ("no-uvm", 1, "CUDA_ERROR_UNKNOWN (999) at cuInit"),
        ("no-driver", 1, "CUDA_ERROR_NO_DEVICE (100) at cuInit"),
        ("no-library", 1, "libcuda.so.1 cannot be loaded"),
    ],
)
def test_what_is_wrong_is_said_and_whether_it_may_come(name: str, code: int, words: str) -> None:
    """The script's own sentence; exit 2 alone is never."""
    device = judge(smoked(name))
    assert smoked(name).code == code
    assert (device.uuid, device.ok, device.never) == (GPU, False, code == 2)
    assert device.reason.startswith(words)


def test_a_good_gpu_is_known_by_name() -> None:
    """All that the record holds of it."""
    device = judged(smoked("good"), GPU, 30.0, at=7.0)
    assert device == Device(
        GPU, "Sandbox GPU", ok=True, seconds=GOOD["seconds"], gb_per_s=GOOD["gb_per_s"], memory_bytes=8 << 30, at=7.0
    )


def test_another_gpus_word_is_no_proof() -> None:
    """A good smoke of another GPU proves nothing of this one; that may be tried again."""
    device = judge(smoked("good"), "GPU-of-another")
    assert (device.uuid, device.ok, device.never) == ("GPU-of-another", False, False)
    assert "has spoken of" in device.reason


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (ran(code=None), "did not end within 30 s (a hung driver)"),
        (ran(json.dumps(GOOD), code=None), "did not end within 30 s (a hung driver)"),
        (ran(code=-11), "ended by SIGSEGV"),
        (ran(code=-99), "ended by signal 99"),
        (ran(code=127, err="python3: No such file or directory"), "ended with 127 and no verdict: python3: No such"),
        (ran(code=1, err="Traceback ...\nMemoryError\n"), "ended with 1 and no verdict: MemoryError"),
        (ran("", code=0), "ended with 0 and no verdict: it said nothing"),
        (ran("garbage\n", code=0), "ended with 0 and no verdict: garbage"),
        (ran("null\n", code=2), "ended with 2 and no verdict"),
        (ran("[]\n", code=2), "ended with 2 and no verdict"),
        (ran("{}\n", code=2), "ended with 2 and no verdict"),
        (ran(json.dumps(GOOD | {"memory_bytes": None}), code=0), "no verdict"),
        (ran(json.dumps(GOOD | {"seconds": "long"}), code=0), "no verdict"),
        (ran(json.dumps(GOOD | {"ok": "true"}), code=0), "no verdict"),
        (ran(json.dumps(GOOD), code=1), "no verdict"),
        (ran(json.dumps(GOOD), code=2), "no verdict"),
        (ran(json.dumps(GOOD | {"ok": False}), code=0), "no verdict"),
    ],
)
def test_no_verdict_is_neither_ok_nor_never(end: Ran, words: str) -> None:
    """Killed, crashed, garbage, or words and exit code that disagree: not ok, it says how it ended, and it may come."""
    device = judge(end)
    assert (device.uuid, device.ok, device.never) == (GPU, False, False)
    assert words in device.reason


def test_words_before_the_verdict_do_not_matter() -> None:
    """A driver's library may write to stdout: the last line is the verdict."""
    assert judge(ran("NVRM says hello\n" + json.dumps(GOOD) + "\n")).ok


@pytest.mark.parametrize(
    ("end", "count", "why"),
    [
        (smoked("list"), 2, ""),
        (smoked("list-no-driver"), 0, "CUDA_ERROR_NO_DEVICE (100) at cuInit"),
        (smoked("list-no-library"), 0, "libcuda.so.1 cannot be loaded"),
        (ran('{"devices": []}'), 0, "CUDA knows no device"),
        (ran(smoked("list").out, code=1), 0, "CUDA knows no device"),
        (ran('{"devices": [{}]}'), 0, "no verdict"),
        (ran("garbage"), 0, "no verdict: garbage"),
        (ran(code=None), 0, "did not end within 30 s"),
    ],
)
def test_the_list_is_whole_or_says_why_not(node: FakeNode, end: Ran, count: int, why: str) -> None:
    """Devices, none of them ok yet; or none, with a sentence."""
    node.on_run = lambda *_: end
    devices, said = listed(node)
    assert len(devices) == count
    assert not any(device.ok for device in devices)
    assert said.startswith(why) if not count and "verdict" not in why else why in said

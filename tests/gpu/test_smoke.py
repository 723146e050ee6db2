"""The CUDA smoke, word and exit code, for all that can be wrong with a GPU or its driver. No real GPU is asked here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpu.conftest import Bench, uuid

READY, NOT_YET, NEVER = 0, 1, 2


def test_a_good_gpu_computes(bench: Bench) -> None:
    """Exit 0, the GPU's own name and memory, a bandwidth, no reason."""
    said = bench.smoke(uuid(1))
    assert (said.code, said.err) == (READY, "")
    assert set(said.json) == {"uuid", "name", "memory_bytes", "ok", "reason", "seconds", "gb_per_s"}
    known = {"uuid": uuid(1), "name": "Sandbox GPU", "memory_bytes": 8 << 30, "ok": True, "reason": ""}
    assert said.json | known == said.json
    assert 0 < said.json["seconds"] < 60
    assert said.json["gb_per_s"] > 0


def test_all_gpus_are_listed(bench: Bench) -> None:
    """In the driver's order, whatever the shell of the person says that CUDA may see."""
    said = bench.smoke("--list", CUDA_VISIBLE_DEVICES="1")
    assert said.code == READY
    assert [device["uuid"] for device in said.json["devices"]] == [uuid(0), uuid(1)]
    assert said.json["devices"][0] | {"name": "Sandbox GPU", "memory_bytes": 8 << 30} == said.json["devices"][0]


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("wrong", NEVER, "the GPU computes wrongly: 1 of 65536 numbers, number 65535 is 0x"),
        ("error2", NOT_YET, "CUDA_ERROR_OUT_OF_MEMORY (2) at cuMemAlloc_v2: other processes hold its memory"),
        ("error3", NOT_YET, "CUDA_ERROR_NOT_INITIALIZED (3) at cuInit: the driver is not ready"),
        ("error46", NOT_YET, "CUDA_ERROR_DEVICE_UNAVAILABLE (46) at cuDevicePrimaryCtxRetain: another process"),
        ("error209", NEVER, "CUDA_ERROR_NO_BINARY_FOR_GPU (209) at cuModuleLoadData: the driver has dropped this GPU"),
        ("error214", NEVER, "CUDA_ERROR_ECC_UNCORRECTABLE (214) at cuCtxSynchronize: its memory has errors"),
        ("error221", NEVER, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND (221) at cuModuleLoadData: libnvidia-ptxjitcompiler"),
        ("error700", NEVER, "CUDA_ERROR_ILLEGAL_ADDRESS (700) at cuCtxSynchronize: an illegal memory access"),
        ("error719", NEVER, "CUDA_ERROR_LAUNCH_FAILED (719) at cuCtxSynchronize: unspecified launch failure"),
        ("error802", NOT_YET, "CUDA_ERROR_SYSTEM_NOT_READY (802) at cuInit: a service of the driver"),
        ("error803", NEVER, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803) at cuInit: libcuda.so.1 and the loaded driver"),
        ("error999", NOT_YET, "CUDA_ERROR_UNKNOWN (999) at cuInit: most often /dev/nvidia-uvm is missing"),
        ("error4242", NEVER, "CUDA error (4242) at cuCtxSynchronize: no reason given"),
    ],
)
def test_one_bad_gpu_of_two(bench: Bench, fault: str, code: int, words: str) -> None:
    """The bad one says what, at which call, and what to do; the good one beside it computes."""
    bench.knob("cuda", f"0 {fault}")
    said = bench.smoke(uuid(0))
    assert (said.code, said.json["ok"]) == (code, False)
    assert said.reason.startswith(words)
    assert said.json["uuid"] == uuid(0)
    assert bench.smoke(uuid(1)).code == READY
    assert len(bench.smoke("--list").json["devices"]) == 2


@pytest.mark.parametrize("element", [0, 1, 255, 256, 40000, 65535])
def test_one_wrong_number_is_found_wherever_it_is(bench: Bench, element: int) -> None:
    """Every element is compared, not a sample, and not the first block alone."""
    bench.knob("cuda", f"all wrong {element}")
    said = bench.smoke(uuid(0))
    assert said.code == NEVER
    assert f"1 of 65536 numbers, number {element} is 0x" in said.reason


@pytest.mark.parametrize(("free", "code"), [(1000, READY), (100, READY), (2, READY), (1, NOT_YET)])
def test_a_gpu_that_is_nearly_full_is_still_tried(bench: Bench, free: int, code: int) -> None:
    """The copies take what is there, down to 2 MiB: a GPU in use is not called bad for the want of more."""
    bench.knob("cuda", f"all free{free}")
    said = bench.smoke(uuid(0))
    assert said.code == code
    assert (said.json["gb_per_s"] > 0) == (code == READY)


def test_no_library(bench: Bench) -> None:
    """The driver may still be installed: not yet, in both modes."""
    for argument in (uuid(0), "--list"):
        said = bench.smoke(argument, LD_LIBRARY_PATH="")
        assert said.code == NOT_YET
        assert said.reason.startswith("libcuda.so.1 cannot be loaded, is the driver installed?")


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (
            "nvidiactl",
            "CUDA_ERROR_NO_DEVICE (100) at cuInit: the driver is not loaded or sees no GPU (modprobe nvidia;",
        ),
        ("nvidia-uvm", "CUDA_ERROR_UNKNOWN (999) at cuInit: most often /dev/nvidia-uvm is missing (nvidia-modprobe -u"),
    ],
)
def test_no_driver(bench: Bench, lost: str, words: str) -> None:
    """Without its device files CUDA cannot begin: not yet, in both modes, and the sentence says how to make them."""
    bench.lose(lost)
    for argument in (uuid(0), "--list"):
        said = bench.smoke(argument)
        assert said.code == NOT_YET
        assert said.reason.startswith(words)
    assert bench.smoke("--list").json["devices"] == []


@pytest.mark.parametrize(("loaded", "code"), [("580.95.05", READY), ("595.91.07", NEVER), ("580.95.050", NEVER)])
def test_an_upgrade_under_a_running_driver(bench: Bench, loaded: str, code: int) -> None:
    """The library of one version does not speak to the kernel's driver of another: never, until a reboot."""
    bench.loaded(loaded)
    said = bench.smoke(uuid(0))
    assert said.code == code
    assert said.reason.startswith("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803) at cuInit" if code else "")


def test_no_gpu_at_all(bench: Bench) -> None:
    """A machine whose driver sees none: it may come, and an unknown UUID is not the reason."""
    bench.knob("hardware", "0")
    assert bench.smoke("--list").code == NOT_YET
    said = bench.smoke(uuid(0))
    assert (said.code, said.reason.partition(" ")[0]) == (NOT_YET, "CUDA_ERROR_NO_DEVICE")


def test_a_uuid_that_is_not_there(bench: Bench) -> None:
    """CUDA says "no device" of it, as without a driver; the smoke looks again without a choice, and says never."""
    said = bench.smoke(uuid(7))
    assert said.code == NEVER
    assert said.reason == f"CUDA knows no {uuid(7)}; it knows {uuid(0)}, {uuid(1)}"


def test_a_gpu_that_has_fallen_off(bench: Bench) -> None:
    """The driver knows one GPU less than before: the other still computes."""
    bench.knob("hardware", "1")
    assert (bench.smoke(uuid(0)).code, bench.smoke(uuid(1)).code) == (READY, NEVER)


@pytest.mark.parametrize("asked", ["", "0", "GPU-", f"{uuid(0)},{uuid(1)}", "GPU-5a9dbc01"])
def test_what_is_no_uuid_is_refused(bench: Bench, asked: str) -> None:
    """An index, several, none, or the beginning of one: never, instead of a proof of some other GPU."""
    said = bench.smoke(asked)
    assert (said.code, said.json["ok"]) == (NEVER, False)


def test_an_old_driver(bench: Bench) -> None:
    """CUDA 10.2 (driver 440): what is needed is named."""
    bench.knob("cuda", "all driver10020")
    said = bench.smoke(uuid(0))
    assert said.code == NEVER
    assert "it knows CUDA 10.2; install 450" in said.reason


def test_nothing_of_a_persons_shell_matters(bench: Bench) -> None:
    """Neither which GPUs CUDA may see nor other settings of it change the proof."""
    assert bench.smoke(uuid(1), CUDA_VISIBLE_DEVICES="0", CUDA_DISABLE_PTX_JIT="1").code == READY


def test_it_writes_nothing(bench: Bench) -> None:
    """No file appears in the working machine's folders, nor in the home (the real library keeps a cache there)."""
    home = bench.folder / "home"
    home.mkdir()
    before = _files(bench.folder)
    assert bench.smoke(uuid(0), HOME=str(home)).code == READY
    assert _files(bench.folder) == before


def _files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}

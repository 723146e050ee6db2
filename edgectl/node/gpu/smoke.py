"""The CUDA smoke: does one GPU compute? A program of its own, which can be killed: `smoke.py UUID`, `smoke.py --list`.

Owns: the calls of the CUDA driver API (libcuda.so.1, no toolkit), what is computed, and what each error means to a
person. One JSON line on stdout; exit 0: it computes, 1: not yet, 2: never. Imports nothing of edgectl and writes
nothing; the driver's library itself, where root starts it, makes those of its device files that are missing.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
import time
import uuid
from array import array
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from typing import Any

READY, NOT_YET, NEVER = 0, 1, 2

ELEMENTS = 1 << 16
THREADS = 256
MIB = 1 << 20
COPY_BYTES = 64 * MIB  # twice; halved until both fit
COPIES = 10
LIST_SECONDS = 20.0
OLDEST_CUDA = 11000  # driver 450

# y[i] = x[i] * 3 + i. PTX is compiled by the driver for GPUs that came later than it: from Maxwell (sm_50) on, with
# every driver since CUDA 10.1, whose PTX is 6.4.
PTX = b"""
.version 6.4
.target sm_50
.address_size 64
.visible .entry edgectl_smoke(.param .u64 x, .param .u64 y, .param .u32 n)
{
    .reg .pred %past;
    .reg .u32 %i, %n, %value, %block, %size;
    .reg .u64 %x, %y;
    mov.u32 %block, %ctaid.x;
    mov.u32 %size, %ntid.x;
    mov.u32 %i, %tid.x;
    mad.lo.u32 %i, %block, %size, %i;
    ld.param.u32 %n, [n];
    setp.ge.u32 %past, %i, %n;
    @%past bra END;
    ld.param.u64 %x, [x];
    ld.param.u64 %y, [y];
    mad.wide.u32 %x, %i, 4, %x;
    mad.wide.u32 %y, %i, 4, %y;
    ld.u32 %value, [%x];
    mad.lo.u32 %value, %value, 3, %i;
    st.u32 [%y], %value;
END:
    ret;
}
"""

# cuda.h, CUDA 11 to 13: CUdevice is int, CUdeviceptr has 64 bits; contexts, modules, functions, streams are pointers.
# The names are those that the library exports: `cuMemAlloc` in cuda.h is a macro for `cuMemAlloc_v2`.
CALLS: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuDriverGetVersion": (POINTER(c_int),),
    "cuDeviceGetCount": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetUuid": (c_void_p, c_int),
    "cuDeviceGetUuid_v2": (c_void_p, c_int),  # of a MIG device its own UUID, where the older call gives its GPU's
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceTotalMem_v2": (POINTER(c_size_t), c_int),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),  # cuCtxCreate has another signature in each CUDA
    "cuDevicePrimaryCtxRelease_v2": (c_int,),
    "cuCtxSetCurrent": (c_void_p,),
    "cuCtxSynchronize": (),
    "cuModuleLoadData": (POINTER(c_void_p), c_char_p),
    "cuModuleGetFunction": (POINTER(c_void_p), c_void_p, c_char_p),
    "cuModuleUnload": (c_void_p,),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemcpyHtoD_v2": (c_uint64, c_void_p, c_size_t),
    "cuMemcpyDtoH_v2": (c_void_p, c_uint64, c_size_t),
    "cuMemcpyDtoD_v2": (c_uint64, c_uint64, c_size_t),
    # function, grid x y z, block x y z, shared bytes, stream, parameters, extra
    "cuLaunchKernel": (c_void_p, *[c_uint] * 7, c_void_p, POINTER(c_void_p), POINTER(c_void_p)),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
    "cuGetErrorString": (c_int, POINTER(c_char_p)),
}

OUT_OF_MEMORY, NO_DEVICE = 2, 100
# What may still come: the driver or a service of it starts, or another process lets the GPU go.
BUSY = frozenset({2, 46})  # out of memory, exclusive: whoever holds the GPU may let go of it
MAY_COME = BUSY | {3, NO_DEVICE, 802, 805, 807, 919, 999}
ADVICE = {
    OUT_OF_MEMORY: "other processes hold its memory (nvidia-smi shows which)",
    3: "the driver is not ready",
    34: "this libcuda.so.1 is the toolkit's stub; remove it from the library path, the driver brings the real one",
    46: "another process has it for itself (nvidia-smi -q -d COMPUTE), or it needs a reset",
    NO_DEVICE: "the driver is not loaded or sees no GPU (modprobe nvidia; dmesg | grep NVRM)",
    209: "the driver has dropped this GPU, or is too old for it; install one that supports it",
    214: "its memory has errors that ECC cannot correct (nvidia-smi -q -d ECC); reset or replace it",
    221: "libnvidia-ptxjitcompiler.so.1 is missing; install the driver's packages in full",
    802: "a service of the driver has not started it yet (systemctl status nvidia-fabricmanager)",
    803: "libcuda.so.1 and the loaded driver are of different versions; reboot",
    999: "most often /dev/nvidia-uvm is missing (nvidia-modprobe -u -c 0); else dmesg | grep NVRM",
}
_UUID = re.compile(r"(GPU|MIG)-[0-9A-Za-z/-]{1,80}")


class Ended(Exception):
    """The smoke is over: the exit code, and a sentence that a technician can act on. `error` is CUDA's, if any."""

    def __init__(self, code: int, reason: str, error: int = 0) -> None:
        super().__init__(reason)
        self.code, self.error = code, error


class Cuda:
    """libcuda.so.1, initialised; every call is checked."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise Ended(NOT_YET, f"libcuda.so.1 cannot be loaded, is the driver installed? ({error})") from error
        self.has = {name for name in CALLS if hasattr(self._library, name)}
        for name in self.has:
            function = getattr(self._library, name)
            function.argtypes, function.restype = CALLS[name], c_int
        self("cuInit", 0)
        self("cuDriverGetVersion", byref(version := c_int()))
        if version.value < OLDEST_CUDA:
            found = f"CUDA {version.value // 1000}.{version.value % 1000 // 10}"
            raise Ended(NEVER, f"the driver is too old: it knows {found}; install 450 (CUDA 11.0) or newer")

    def __call__(self, name: str, *args: Any) -> None:
        """Call a function; its error ends the smoke."""
        if name not in self.has:
            raise Ended(NEVER, f"libcuda.so.1 has no {name}; install driver 450 or newer")
        if error := getattr(self._library, name)(*args):
            raise Ended(NOT_YET if error in MAY_COME else NEVER, self._sentence(name, error), error)

    def devices(self) -> list[int]:
        """Return the handles of all devices that this process may see."""
        count, handle, found = c_int(), c_int(), []
        self("cuDeviceGetCount", byref(count))
        for index in range(count.value):
            self("cuDeviceGet", byref(handle), index)
            found.append(handle.value)
        return found

    def describe(self, device: int) -> dict[str, Any]:
        """Return a device's UUID, name and memory."""
        raw, name, total = ctypes.create_string_buffer(16), ctypes.create_string_buffer(256), c_size_t()
        self("cuDeviceGetUuid_v2" if "cuDeviceGetUuid_v2" in self.has else "cuDeviceGetUuid", raw, device)
        self("cuDeviceGetName", name, len(name), device)
        self("cuDeviceTotalMem_v2", byref(total), device)
        text = name.value.decode(errors="replace")
        kind = "MIG" if " MIG " in text else "GPU"
        return {"uuid": f"{kind}-{uuid.UUID(bytes=raw.raw)}", "name": text, "memory_bytes": total.value}

    def alloc(self, size: int) -> c_uint64:
        """Return memory of the GPU."""
        self("cuMemAlloc_v2", byref(pointer := c_uint64()), size)
        return pointer

    def _sentence(self, call: str, error: int) -> str:
        name, text = c_char_p(), c_char_p()
        self._library.cuGetErrorName(error, byref(name))
        self._library.cuGetErrorString(error, byref(text))
        said = ADVICE.get(error) or (text.value or b"no reason given").decode(errors="replace")
        return f"{(name.value or b'CUDA error').decode(errors='replace')} ({error}) at {call}: {said}"


def computed(cuda: Cuda) -> None:
    """Let the GPU compute on numbers of this run (what an earlier one left in memory cannot pass); check each."""
    given = numbers(time.time_ns() & 0xFFFFFFFF)
    got = array("I", bytes(4 * ELEMENTS))
    size = len(given) * given.itemsize
    cuda("cuModuleLoadData", byref(module := c_void_p()), PTX)
    cuda("cuModuleGetFunction", byref(function := c_void_p()), module, b"edgectl_smoke")
    x, y, count = cuda.alloc(size), cuda.alloc(size), c_uint(ELEMENTS)
    cuda("cuMemcpyHtoD_v2", x, given.buffer_info()[0], size)
    cuda("cuMemcpyHtoD_v2", y, got.buffer_info()[0], size)
    values = (c_void_p * 3)(*(ctypes.addressof(value) for value in (x, y, count)))
    cuda("cuLaunchKernel", function, ELEMENTS // THREADS, 1, 1, THREADS, 1, 1, 0, None, values, None)
    cuda("cuCtxSynchronize")
    cuda("cuMemcpyDtoH_v2", got.buffer_info()[0], y, size)
    if wrong := mistakes(given, got):
        raise Ended(NEVER, f"the GPU computes wrongly: {wrong}; take it out of use and replace it")
    for pointer in (x, y):
        cuda("cuMemFree_v2", pointer)
    cuda("cuModuleUnload", module)


def numbers(seed: int) -> array[int]:
    """Return what is computed on."""
    return array("I", ((index * 2654435761 + seed) & 0xFFFFFFFF for index in range(ELEMENTS)))


def mistakes(given: array[int], got: array[int]) -> str:
    """Compare every element; return what is wrong, empty when nothing is."""
    due = array("I", ((value * 3 + index) & 0xFFFFFFFF for index, value in enumerate(given)))
    if due == got:
        return ""
    wrong = [index for index, value in enumerate(due) if value != got[index]]
    first = wrong[0]
    return f"{len(wrong)} of {len(due)} numbers, number {first} is {got[first]:#010x} instead of {due[first]:#010x}"


def bandwidth(cuda: Cuda) -> float:
    """Return how fast the GPU copies its own memory, in GB/s, reading and writing both counted."""
    size, memory, began = COPY_BYTES, None, 0.0
    while memory is None:
        try:
            memory = cuda.alloc(2 * size)
        except Ended as ended:
            if ended.error != OUT_OF_MEMORY or size <= MIB:
                raise
            size //= 2
    for copies in (1, COPIES):  # the first one warms up
        began = time.perf_counter()
        for _ in range(copies):
            cuda("cuMemcpyDtoD_v2", memory.value + size, memory, size)
        cuda("cuCtxSynchronize")
    took = time.perf_counter() - began
    cuda("cuMemFree_v2", memory)
    return round(2 * size * COPIES / max(took, 1e-9) / 1e9, 1)


def proven(asked: str, found: dict[str, Any]) -> None:
    """Try the one device; what is known of it goes into `found`, what is wrong is raised."""
    if not _UUID.fullmatch(asked):
        raise Ended(NEVER, f"{asked!r} is no UUID of a GPU; nvidia-smi -L shows them")
    os.environ["CUDA_VISIBLE_DEVICES"] = asked  # of MIG devices a process sees the first one only, so this one
    try:
        cuda = Cuda()
        devices = cuda.devices()
    except Ended as ended:
        others = known_to_another() if ended.error == NO_DEVICE else ""
        if not others:
            raise
        raise Ended(NEVER, f"CUDA knows no {asked}; it knows {others}") from ended
    if len(devices) != 1:
        raise Ended(NEVER if devices else NOT_YET, f"CUDA shows {len(devices)} devices instead of {asked} alone")
    seen = cuda.describe(devices[0])
    # A MIG device is taken by its word: before driver 470 its name had another form (MIG-GPU-.../1/0).
    if asked.startswith("GPU-") and asked.lower() != seen["uuid"].lower():
        raise Ended(NEVER, f"CUDA gives {seen['uuid']} instead; of a GPU in MIG mode name a MIG device (nvidia-smi -L)")
    found |= seen | {"uuid": asked}
    cuda("cuDevicePrimaryCtxRetain", byref(context := c_void_p()), devices[0])
    cuda("cuCtxSetCurrent", context)
    computed(cuda)
    found["gb_per_s"] = bandwidth(cuda)
    cuda("cuDevicePrimaryCtxRelease_v2", devices[0])


def known_to_another() -> str:
    """Return the UUIDs that a process sees without a choice: CUDA says "no device" of an unknown UUID, too."""
    argv = [sys.executable, "-I", __file__, "--list"]
    try:
        said = subprocess.check_output(argv, stderr=subprocess.DEVNULL, timeout=LIST_SECONDS)
        return ", ".join(device["uuid"] for device in json.loads(said)["devices"])
    except (OSError, ValueError, LookupError, TypeError, subprocess.SubprocessError):
        return ""


def main(argv: list[str]) -> int:
    """Do what was asked for, say it in one line of JSON, and return the exit code."""
    if len(argv) != 1:
        sys.stderr.write("usage: smoke.py --list | smoke.py UUID\n")
        return NEVER
    for name in [name for name in os.environ if name.startswith("CUDA_")]:
        del os.environ[name]  # a person's shell must not change what is proven
    os.environ["CUDA_CACHE_DISABLE"] = "1"  # compiled anew each time, and nothing is written to ~/.nv
    asked, began, code = argv[0], time.perf_counter(), READY
    found: dict[str, Any] = {"devices": []}
    if asked != "--list":
        found = {"uuid": asked, "name": "", "memory_bytes": 0, "gb_per_s": 0.0, "reason": ""}
    try:
        if asked == "--list":
            cuda = Cuda()
            found["devices"] = [cuda.describe(device) for device in cuda.devices()]
        else:
            proven(asked, found)
    except Ended as ended:
        found["reason"], code = str(ended), ended.code
        found["busy"] = ended.error in BUSY
    if asked != "--list":
        found |= {"ok": code == READY, "seconds": round(time.perf_counter() - began, 3)}
    sys.stdout.write(json.dumps(found) + "\n")
    return code


if __name__ == "__main__":
    # A lock that the caller has open would be held for as long as a hung driver keeps this process from dying.
    os.closerange(3, 4096)
    sys.exit(main(sys.argv[1:]))

"""The GPUs: cards, driver, toolkit, and whether the firmware lets the driver load. Pure.

Owns: which of what the probes of node/gpu say a deploy would mend. The judgement of the probes is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgectl.node.survey.facts import Facts
from edgectl.wire.finding import OK, STOP, WARN, Finding
from edgectl.wire.payload import Gpu
from edgectl.wire.survey import Declared

_VENDOR = "nvidia.com/"


def judge(facts: Facts, declared: Declared, *, listed: int | None) -> Iterator[Finding]:
    """Yield what there is to say. `listed`: how many cards the driver names; None where none answers."""
    gpu, cards = declared.gpu, facts.all("card")
    if gpu is None:
        if cards:
            hint = "declare hardware and gpu.count, if the store is to compute on it"
            yield Finding("gpu-cards", WARN, f"{_count(len(cards), 'NVIDIA GPU')} built in, none is declared", hint)
        return
    if not any(name.startswith(_VENDOR) for name in gpu.offered):
        yield Finding("gpu-cards", OK, f"{gpu.resource} is not NVIDIA's: its driver is not looked at")
        return
    yield _cards(facts, gpu, listed)
    comes = tuple(name for name in declared.packages if "nvidia" in name)
    yield from _driver(facts, gpu, cards, comes=any("container" not in name for name in comes))
    yield _toolkit(facts, comes=any("container-toolkit" in name for name in comes))
    yield from _secure_boot(facts, comes)


def _cards(facts: Facts, gpu: Gpu, listed: int | None) -> Finding:
    about, where = "gpu-cards", "by the driver" if listed is not None else "on the PCI bus"
    if listed is None and not facts.one("pci"):
        return Finding(about, OK, "no driver answers and no PCI bus is to be seen, so the GPUs are not counted")
    found = listed if listed is not None else len(facts.all("card"))
    if found >= gpu.count:
        return Finding(about, OK, f"{found} of {gpu.count} GPUs {where}")
    word = STOP if found < gpu.required else WARN
    hint = "power off, reseat the card and its power cable, power on; or correct gpu.count in the inventory"
    return Finding(about, word, f"{found} of {gpu.count} GPUs {where}, {gpu.required} required", hint)


def _driver(facts: Facts, gpu: Gpu, cards: tuple[str, ...], *, comes: bool) -> Iterator[Finding]:
    held = any(line.endswith(" nouveau") for line in cards)
    if held and comes:
        yield Finding(
            "gpu-nouveau", OK, "nouveau holds the GPU until the deploy restarts this machine (host.most_reboots)"
        )
    elif held:
        hint = "put 'blacklist nouveau' into /etc/modprobe.d, update-initramfs -u, reboot"
        yield Finding("gpu-nouveau", WARN, "nouveau holds the GPU: NVIDIA's driver cannot, before a reboot", hint)
    code, _, said = facts.one("driver").partition(" ")
    if code == "0":
        other = bool(gpu.driver) and gpu.driver not in said
        hint = f"{gpu.driver} is declared; gpu.packages brings it, or correct gpu.driver" if other else ""
        yield Finding("gpu-driver", WARN if other else OK, said, hint)
    elif comes:
        yield Finding("gpu-driver", OK, "the driver comes with the deploy")
    else:
        hint = "declare gpu.packages, or install NVIDIA's driver; docs/gpu.md"
        yield Finding("gpu-driver", STOP if gpu.required else WARN, said or "the driver is not known", hint)


def _toolkit(facts: Facts, *, comes: bool) -> Finding:
    code, _, said = facts.one("toolkit").partition(" ")
    if code == "0":
        return Finding("gpu-toolkit", OK, said)
    if comes:
        return Finding("gpu-toolkit", OK, "the container toolkit comes with the deploy")
    hint = "declare it in gpu.packages, or install nvidia-container-toolkit before k3s starts: k3s looks once"
    return Finding("gpu-toolkit", STOP, said or "the container toolkit is not known", hint)


def _secure_boot(facts: Facts, comes: tuple[str, ...]) -> Iterator[Finding]:
    if facts.one("secure-boot") != "1":
        return
    about, key = "gpu-secure-boot", facts.one("mok")
    dkms = [name for name in comes if "dkms" in name]
    if not dkms:
        yield Finding(about, OK, "Secure Boot is on: only signed kernel modules load")
    elif "already enrolled" in key:
        yield Finding(about, OK, "Secure Boot is on, and knows this machine's key for modules that are built here")
    else:
        hint = (
            "mokutil --import /var/lib/dkms/mok.pub, reboot, and enrol it at the console; or switch Secure Boot off; "
            "or declare signed modules in the place of DKMS"
        )
        reason = f"Secure Boot is on and would refuse the module that {dkms[0]} builds here: its key is not enrolled"
        yield Finding(about, STOP, reason, hint, (key,) if key else ())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"

"""What a node's declared packages must agree on.

Owns the findings. Must not look at a bundle: whether it has them is the payload's matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import Where

# The upstream version stands between the epoch and the last dash: 570.86.15 in 1:570.86.15-0ubuntu1.
_UPSTREAM = re.compile(r"(?:[0-9]+:)?(.+?)(?:-[^-]*)?")
_DRIVER = re.compile(r"nvidia-driver(-[0-9]+)?(-server)?(-open)?")
_TOOLKIT = "nvidia-container-toolkit"


def package_findings(node: schema.Node) -> Iterator[tuple[Where, str]]:
    """Yield what does not agree: where, and a sentence."""
    host, gpu = node.host.packages if node.host else {}, node.gpu
    if gpu is None:
        return
    for name in gpu.packages:
        if name in host:
            sentence = (
                f"package {name} is in host.packages and in gpu.packages: say it once, in gpu.packages where it comes "
                "with the GPU (held, and never changed outside the hours)"
            )
            yield ("gpu", "packages", name), sentence
    for name, version in gpu.packages.items():
        for what, said, fits in (
            ("driver", gpu.driver, _DRIVER.fullmatch(name)),
            ("toolkit", gpu.toolkit, name == _TOOLKIT),
        ):
            found = _UPSTREAM.fullmatch(version or "")
            if said and fits and found and found[1] != said and not found[1].startswith((f"{said}+", f"{said}~")):
                sentence = f"package {name} brings {found[1]}, and gpu.{what} says {said}: both are the same thing"
                yield ("gpu", "packages", name), sentence

"""containerd's configuration and NVIDIA's runtime."""

from __future__ import annotations

from tests.contract.bench import DATA, Bench
from tests.contract.row import Check

_CONFIG = f"{DATA}/agent/etc/containerd/config.toml"
_TEMPLATE = f"{DATA}/agent/etc/containerd/config-v3.toml.tmpl"
_NVIDIA = "/usr/bin/nvidia-container-runtime"


def regenerated(bench: Bench) -> None:
    bench.server.sh(f"echo '# by hand' >> {_CONFIG}")
    bench.restart()
    assert "# by hand" not in bench.server.read(_CONFIG)


def template(bench: Bench) -> None:
    with bench.file(_TEMPLATE, '{{ template "base" . }}\n# ours\n'):
        bench.restart()
        text = bench.server.read(_CONFIG)
        assert text.rstrip().endswith("# ours")
        assert "version = 3" in text
    assert "# ours" not in bench.server.read(_CONFIG)


def nvidia_at_start(bench: Bench) -> None:
    bench.server.sh(f"rm -f {_NVIDIA}")
    bench.restart()
    assert _NVIDIA not in bench.server.read(_CONFIG)
    bench.server.put(_NVIDIA, '#!/bin/sh\nexec runc "$@"\n', "0755")
    assert _NVIDIA not in bench.server.read(_CONFIG), "one that is installed later is not seen"
    bench.restart()
    assert f'BinaryName = "{_NVIDIA}"' in bench.server.read(_CONFIG).replace("'", '"')
    bench.server.sh(f"rm {_NVIDIA}")


CHECKS: dict[str, Check] = {
    "containerd-config": regenerated,
    "containerd-template": template,
    "nvidia-at-start": nvidia_at_start,
}

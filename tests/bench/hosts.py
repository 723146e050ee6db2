"""Many store nodes on this machine, for `tests/bench/many.py`: an OpenSSH server each, and a folder for its root.

The engine is the real one, with the made-up machine of `tests/far/engine.py`. Stores are those of `tests/fleet.py`,
with their charts, but without marks of their hardware: a folder has none.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.bundle.layout import Bundle
from edgectl.control.link.target import Target
from edgectl.node.io.places import Places
from tests.archives import canonical_archive
from tests.bench.fleet import make_bundle
from tests.far.sshd import keygen, serve
from tests.fleet import fleet

_STATE = "/var/lib/edgectl"
_SECOND = re.compile(r"^      node-2:\n(?:        .*\n)+", re.MULTILINE)  # it would wait for k3s to let it join
_HARDWARE = re.compile(r"^        identity:\n(?:          .*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Hosts:
    """Nodes that can be reached, the key for them, and the inventory of their stores."""

    inventory: Path
    key: Path
    targets: tuple[Target, ...]

    def replay(self, seconds: float) -> None:
        """Let each node answer the next question itself, and from then on as it did then, so many seconds later.

        What engines take of this machine's processors would else be taken for the operator's time.
        """
        for number in range(1, len(self.targets) + 1):
            root = self.inventory.parent / f"node-{number}"
            wrapper = root / "sshd/wrapper"
            again = f"if [ -f {root}/answer ]; then sleep {seconds}; cat {root}/answer; sleep 1; exit 0; fi"
            once = f"sh {root}/asked | tee {root}/answer.new; mv {root}/answer.new {root}/answer"
            (root / "asked").write_text(wrapper.read_text())
            fresh = root / "replay"
            fresh.write_text(f"#!/bin/sh\n{again}\n{once}\n")
            fresh.chmod(0o755)
            fresh.replace(wrapper)


@contextmanager
def hosts(folder: Path, stores: int, helm: Path, helm_version: str) -> Iterator[Hosts]:
    """Bring up the nodes of so many stores; all of it is gone behind the block but the folder."""
    make_bundle(folder / "bundle", helm, helm_version, canonical_archive)
    bundle = Bundle.open(folder / "bundle")
    large = bundle.find(kind="helm", name="helm", version=helm_version, arch="amd64")
    key = keygen(folder / "operator")
    text = _SECOND.sub("", _HARDWARE.sub("", fleet(stores))).replace("~/.ssh/stores_ed25519", str(key))
    with ExitStack() as stack:
        targets: list[Target] = []

        def door(_: re.Match[str]) -> str:
            root = folder / f"node-{len(targets) + 1}"
            sshd = serve(root / "sshd", "MaxStartups 100", command=_inside(root))
            stack.callback(sshd.close)
            (root / "sshd" / "authorized_keys").write_text(Path(f"{key}.pub").read_text())
            targets.append(sshd.target)
            if large is not None:  # the one large blob: nobody measures here how long 50 times 60 MB take
                held = Places(root).blob(large.digest)
                held.parent.mkdir(parents=True)
                held.hardlink_to(bundle.path(large.digest))
            return f"ssh: {{host: 127.0.0.1, port: {sshd.port}}}\n        host_key: {sshd.target.host_key}"

        text = re.sub(r"ssh: \{host: \S+\}\n        host_key: .*", door, text)
        inventory = folder / "inventory.yaml"
        inventory.write_text(text, encoding="utf-8")
        yield Hosts(inventory, key, tuple(targets))


def _inside(root: Path) -> str:
    """Return a shell text that does what was asked for, below a root of its own."""
    within = shlex.quote(f"s#{_STATE}#{root}{_STATE}#g")
    return f'exec sh -c "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed {within})"'

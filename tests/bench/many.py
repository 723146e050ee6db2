"""Fifty stores with nothing to change: `edgectl`, and ansible and pyinfra beside it on the same hosts.

`python -m tests.bench.many` prints the table; `... many client WORDS` is edgectl in a process of its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fleet import real_helm
from tests.bench.hosts import Hosts, hosts

STORES = 50
ROUNDS = 3
LIMIT_CPU_SECONDS = 0.030  # a store
LIMIT_BYTES = 150_000_000  # in all
LIMIT_STATUS_SECONDS = 5.0
ANSWERS_AFTER_SECONDS = 1.6  # what a real store takes for a look at itself
PEERS = ("ansible-core==2.19.14", "pyinfra==3.10.0")
_SAMPLE_SECONDS = 0.05
_MOST_SECONDS = 900


@dataclass(frozen=True)
class Cost:
    """What one command took here: seconds of the clock and of processors, and the most memory at once."""

    seconds: float
    cpu: float
    peak: int
    code: int
    said: str


def cost(argv: Sequence[str], env: Mapping[str, str]) -> Cost:
    """Run a program and what it starts; the nodes are not in it."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    peak, ended = [0], threading.Event()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

        def watch() -> None:
            while not ended.wait(_SAMPLE_SECONDS):
                peak[0] = max(peak[0], _memory(process.pid))

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        code = process.wait(_MOST_SECONDS)
        took = time.monotonic() - began
        ended.set()
        watching.join()
        out.seek(0)
        said = out.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(took, cpu, peak[0], code, said)


def _memory(pid: int) -> int:
    """Return the proportional memory of a process and all below it."""
    found = 0
    with suppress(OSError, ValueError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _memory(int(child))
    return found


def client(words: Sequence[str]) -> int:
    """Be edgectl, with the engine of `tests/far/engine.py`."""
    import edgectl
    from edgectl.cli.main import run
    from edgectl.control.link import runtime

    main = (Path(__file__).parents[1] / "far/engine.py").read_bytes()
    engine = runtime.pack({**runtime.sources(Path(edgectl.__file__).parent), "__main__.py": main})
    runtime.runtime = lambda: engine  # type: ignore[assignment]
    return run(words)


def _ours(*words: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.many", "client", *words]


def many(helm: Path, helm_version: str, *, stores: int = STORES, peers: bool = True) -> bool:
    """Measure and print; True when every limit is kept."""
    with tempfile.TemporaryDirectory(prefix="edgectl-many-") as place:
        folder = Path(place)
        with hosts(folder, stores, helm, helm_version) as reached:
            return _measured(folder, reached, stores, peers=peers)


def _measured(folder: Path, reached: Hosts, stores: int, *, peers: bool) -> bool:
    env = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_STATE_HOME": str(folder / "state"),
        "EDGECTL_INVENTORY": str(reached.inventory),
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed edgectl is compiled
    out = sys.stdout.write
    first = cost(_ours("deploy", "--all", "-o", "json"), env)
    if first.code != 0:
        out(first.said[-4000:])
        return False
    ways: dict[str, tuple[list[str], Mapping[str, str]]] = {
        "edgectl deploy --all": (_ours("deploy", "--all"), env),
        "edgectl status --all": (_ours("status", "--all"), env),
    }
    if peers:
        ways |= _peers(folder, reached, env)
    found: dict[str, list[Cost]] = {}
    for _ in range(ROUNDS):
        for name, (argv, own) in ways.items():
            found.setdefault(name, []).append(_well(name, cost(argv, own)))
    reached.replay(ANSWERS_AFTER_SECONDS)
    _well("status", cost(*ways["edgectl status --all"]))
    late = f"edgectl status --all, answers as recorded, {ANSWERS_AFTER_SECONDS} s after the question"
    found[late] = [_well(late, cost(*ways["edgectl status --all"])) for _ in range(ROUNDS)]
    nodes = len(reached.targets)
    out(f"\n{stores} stores ({nodes} nodes), nothing to change, an sshd each here: the least of {ROUNDS}; ")
    out("processor time and memory of the operator's side alone\n\n")
    out("| what | seconds | processor, a store | peak memory |\n|---|---|---|---|\n")
    for name, costs in found.items():
        cpu, peak = min(one.cpu for one in costs) / stores, max(one.peak for one in costs)
        out(f"| {name} | {min(one.seconds for one in costs):.1f} | {cpu * 1e3:.1f} ms | {peak / 1e6:.0f} MB |\n")
    ours = found["edgectl deploy --all"]
    cpu, peak = min(one.cpu for one in ours) / stores, max(one.peak for one in ours)
    status = min(one.seconds for one in found[late])
    out(
        f"\nlimits: {LIMIT_CPU_SECONDS * 1e3:.0f} ms, {LIMIT_BYTES / 1e6:.0f} MB; status {LIMIT_STATUS_SECONDS:.0f} s\n"
    )
    return cpu <= LIMIT_CPU_SECONDS and peak <= LIMIT_BYTES and status <= LIMIT_STATUS_SECONDS


def _well(name: str, took: Cost) -> Cost:
    if took.code != 0:
        raise AssertionError(f"{name} ended with {took.code}: {took.said[-2000:]}")
    return took


def _peers(folder: Path, reached: Hosts, env: Mapping[str, str]) -> dict[str, tuple[list[str], Mapping[str, str]]]:
    """Install the peers in an environment of their own; return how each looks at two facts of every host."""
    place = folder / "peers"
    venv.create(place, with_pip=True)
    subprocess.run([place / "bin/pip", "install", "-q", *PEERS], check=True, timeout=_MOST_SECONDS)
    lines = [f"host-{number} ansible_port={one.port}" for number, one in enumerate(reached.targets)]
    (folder / "hosts.ini").write_text("\n".join(lines) + "\n")
    (folder / "known_hosts").write_text("".join(f"[127.0.0.1]:{one.port} {one.host_key}\n" for one in reached.targets))
    (folder / "ansible.cfg").write_text(_ANSIBLE.format(folder=folder, count=len(reached.targets)))
    (folder / "look.yaml").write_text(_PLAYBOOK)
    ours = {
        **env,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "HOME": str(folder),
        "PATH": f"{place}/bin:{env['PATH']}",
    }
    rows = [
        (
            f"127.0.0.1:{one.port}",
            {
                "ssh_port": one.port,
                "ssh_hostname": "127.0.0.1",
                "ssh_user": one.user,
                "ssh_key": str(reached.key),
                "ssh_known_hosts_file": str(folder / "known_hosts"),
            },
        )
        for one in reached.targets
    ]
    (folder / "hosts_of.py").write_text(f"hosts = {rows!r}\n")
    (folder / "look.py").write_text(_OPERATIONS)
    parallel = str(len(reached.targets))
    return {
        "ansible-playbook, two looks": (
            [f"{place}/bin/ansible-playbook", "-i", f"{folder}/hosts.ini", f"{folder}/look.yaml"],
            ours,
        ),
        "pyinfra, two looks": (
            [f"{place}/bin/pyinfra", "-y", "--parallel", parallel, f"{folder}/hosts_of.py", f"{folder}/look.py"],
            ours,
        ),
    }


_ANSIBLE = """[defaults]
forks = {count}
private_key_file = {folder}/operator
remote_user = root
interpreter_python = /usr/bin/python3
[ssh_connection]
pipelining = true
ssh_args = -o ControlMaster=no -o UserKnownHostsFile={folder}/known_hosts -o StrictHostKeyChecking=yes
"""
_PLAYBOOK = """- hosts: all
  gather_facts: false
  vars: {ansible_host: 127.0.0.1}
  tasks:
    - file: {path: /etc, state: directory}
    - command: cat /etc/hostname
      changed_when: false
"""
_OPERATIONS = """from pyinfra.operations import files

files.directory(path="/etc")
files.file(path="/etc/hostname")
"""


if __name__ == "__main__":
    sys.exit(client(sys.argv[2:]) if sys.argv[1:2] == ["client"] else 0 if many(*real_helm()) else 1)

"""An account that only deploys what is signed, on a real node with its own sshd, sudo and accounts."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.link.runtime import RuntimeArchive, pack
from edgectl.sandbox.machine.command import Completed
from edgectl.wire import launch
from edgectl.wire.offer import Part
from edgectl.wire.sshsig import fingerprint
from edgectl.wire.trust import blob_of
from tests.e2e.conftest import Clones, Shop
from tests.e2e.operator import Operator
from tests.e2e.test_second_deploy import changed_edgectl
from tests.e2e.test_stick import make_key, trusting, write_trust

pytestmark = pytest.mark.e2e

EDGE = "edge"


@pytest.fixture(scope="module", autouse=True)
def _of_its_own(clones: Clones) -> Iterator[None]:
    """Let no other test meet a node that trusts this one's key: two trusts of one number are refused."""
    clones.drop()
    yield
    clones.drop()


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the key that the store trusts."""
    made = make_key(tmp_path_factory.mktemp("signing") / "edgectl/keys")
    write_trust(made)
    return made


@pytest.fixture
def key(signing: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return it, where edgectl finds it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(signing.parents[2]))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return signing


def declaring(shop: Shop, key: Path, *, user: str = "root", env: str = "", gone: bool = False) -> Any:
    """Return a change of the inventory: it has a deploy user, and edgectl comes as somebody."""
    public = shop.sandbox.key.with_suffix(".pub").read_text().strip()

    def change(doc: dict[str, Any]) -> None:
        trusting(key, env)(doc)
        doc["defaults"]["ssh"]["user"] = user
        doc["defaults"]["host"]["users"] = {EDGE: None if gone else {"keys": [public]}}

    return change


@pytest.fixture
def account(settled: Shop, key: Path) -> Iterator[Operator]:
    """Yield an operator who comes as the deploy user, after root's deploy; root takes the account's way away then."""
    settled.operator.with_(change=declaring(settled, key)).deploy()
    yield settled.operator.with_(change=declaring(settled, key, user=EDGE))
    settled.operator.with_(change=declaring(settled, key, gone=True)).deploy()


def ssh(shop: Shop, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Log in with OpenSSH's own client and the account's key."""
    node = shop.sandbox.record.nodes[0]
    options = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
    argv = ["ssh", "-T", "-p", str(node.port), "-i", str(shop.sandbox.key), *options, f"{EDGE}@127.0.0.1", *words]
    return subprocess.run(argv, input=given, capture_output=True, timeout=60, check=False)


def as_edge(shop: Shop, script: str, given: str = "") -> Completed:
    """Run a shell as the account, as if its key had opened one."""
    return shop.node.run("runuser", "-u", EDGE, "--", "sh", "-c", script, check=False, stdin=given)


def test_what_is_signed_is_deployed_and_nothing_else(
    settled: Shop, account: Operator, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look needs no key; no change costs what root's does; a new edgectl and a change go, signed; unsigned, not."""
    with monkeypatch.context() as without:
        without.setenv("XDG_CONFIG_HOME", str(tmp_path / "empty"))
        assert account.run("status").code == 0
        account.run("deploy", code=3).has("no key here may sign for")
    same = account.deploy()
    assert (same["changed"], same["blob_bytes"]) == ([], 0), same
    assert same["link_bytes"] <= 16 * 1024
    newer = account.with_(
        change=declaring(settled, key, user=EDGE, env="signed"), package=changed_edgectl(tmp_path / "new", "launch")
    )
    assert newer.run("plan").code == 0
    done = newer.deploy()
    assert "release-vision-stack" in done["changed"]
    assert settled.node.answers() == ""
    slot = settled.node.sh("readlink /var/lib/edgectl/slots/current")
    assert "ada@ops" in settled.node.sh(f"cat /var/lib/edgectl/slots/{slot}/envelope.json")
    assert settled.node.sh(f"ls /var/lib/edgectl/slots/{slot}/offer.json.sig")
    newer.run("rollback")
    for words in (("pause", "--for", "1h", "--why", "x"), ("kubectl", "--", "get", "pods"), ("ssh", "--", "id")):
        newer.run(*words, code=11).has("needs root")

    stranger = make_key(tmp_path / "config/edgectl/keys")
    write_trust(stranger)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    theirs = account.with_(change=declaring(settled, stranger, user=EDGE, env="evil"))
    steady = settled.node.steady()
    refused = theirs.run("deploy", code=11)
    refused.has("this node does not know the key that signed")
    assert "evil" not in settled.node.sh("cat /var/lib/edgectl/slots/current/envelope.json")
    assert settled.node.steady() == steady


def test_the_account_does_not_become_root(settled: Shop, account: Operator) -> None:
    """By its key it starts the launcher and nothing else; with a shell of its own, too, it has the one rule."""
    assert account.run("status").code == 0
    for words in ((), ("id",), ("sh", "-c", "id"), ("sudo -n sh",), ("scp", "-t", "/srv")):
        said = ssh(settled, *words, given=b"id\n")
        assert (said.returncode, b"uid=" in said.stdout) == (11, False), said
        assert b"no request that edgectl-launch knows" in said.stdout, said
    for options in (("-W", "127.0.0.1:22"), ("-N", "-L", "0:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes")):
        assert b"SSH-2.0" not in _forward(settled, options).stdout
    for script in (
        "sudo -n sh -c id",
        "sudo -n -u root id",
        "sudo -n /usr/local/sbin/edgectl-launch --signed root",
        "sudo -n /usr/local/sbin/edgectl-launch ''",
        "sudo -n LD_PRELOAD=/tmp/x.so /usr/local/sbin/edgectl-launch",
        "sudo -n -E PYTHONPATH=/tmp /usr/local/sbin/edgectl-launch",
        "sudo -n /usr/local/sbin/../bin/k3s kubectl get pods",
        "sudo -n -g shadow /usr/local/sbin/edgectl-launch",
        "sudo -n -D /root /usr/local/sbin/edgectl-launch",
        "sudo -n /usr/local/sbin/edgectl-node status",
        "sudoedit -n /etc/sudoers",
        "su -c id",
        "touch /etc/edgectl/users/edge/.ssh/authorized_keys2",
        "echo x >> /etc/edgectl/users/edge/.ssh/authorized_keys",
        "mv /etc/edgectl/users/edge/.ssh /etc/edgectl/users/edge/.ssh2",
        "cat /etc/sudoers.d/edgectl",
        "cat /var/lib/edgectl/secrets/values.json",
        "ls /var/lib/edgectl/secrets",
    ):
        ran = as_edge(settled, script)
        assert ran.code != 0, (script, ran)
        assert "uid=0" not in ran.out, (script, ran)
        assert "edgectl-link" not in ran.out, (script, ran)
    rights = settled.node.sh(f"sudo -n -l -U {EDGE}").splitlines()
    assert [line.strip() for line in rights if line.startswith("    (")] == [
        '(root) NOPASSWD: /usr/local/sbin/edgectl-launch ""'
    ]
    assert settled.node.sh(f"getent shadow {EDGE}").split(":")[1] == "*"


def test_a_forged_engine_does_not_start(settled: Shop, account: Operator, key: Path, tmp_path: Path) -> None:
    """A shell that ignores SIGCHLD hands that on through sudo; a stranger's engine, and another store's, stay out."""
    assert account.run("status").code == 0
    node = settled.node
    proof = "/run/edgectl-forged"
    bootstrap = (Path(launch.__file__).parents[1] / "node/bootstrap.py").read_bytes()
    main = f"open({proof!r}, 'w').write('root')\n".encode()
    evil = pack({"__main__.py": main, "edgectl/node/bootstrap.py": bootstrap})
    stranger = make_key(tmp_path / "eve")
    for who, signs, store in ((stranger, stranger, settled.operator.store), (key, stranger, settled.operator.store)):
        given = _request(evil, who, signs, store)
        _lay(settled, given)
        for before in ("", "env --ignore-signal=CHLD "):
            ran = as_edge(settled, f"{before}sudo -n /usr/local/sbin/edgectl-launch < /tmp/request")
            assert (ran.code, "edgectl-link refused" in ran.out) == (11, True), ran
    _lay(settled, _request(evil, key, key, "store-of-others"))
    ran = as_edge(settled, "sudo -n /usr/local/sbin/edgectl-launch < /tmp/request")
    assert (ran.code, "and the engine was signed for store-of-others" in ran.out) == (11, True), ran
    assert node.sh(f"ls {proof} 2>/dev/null || true") == ""
    assert node.sh(f"ls -d /var/lib/edgectl/runtimes/{evil.hex} 2>/dev/null || true") == ""
    _lay(settled, _request(evil, key, key, settled.operator.store))  # what a trusted key signs is root: it is the proof
    ran = as_edge(settled, "sudo -n /usr/local/sbin/edgectl-launch < /tmp/request")
    assert ran.code == 0, ran
    assert node.sh(f"cat {proof}; rm {proof}; rm -r /var/lib/edgectl/runtimes/{evil.hex}") == "root"


def test_who_is_declared_no_more_is_out(settled: Shop, account: Operator, key: Path) -> None:
    """Root's deploy takes keys and rule away; the account stays, shut; declared again, it is back."""
    root = settled.operator.with_(change=declaring(settled, key, gone=True))
    assert root.deploy()["changed"] == ["users"]
    account.run("status", code=4).has(f"lets {EDGE} in with none of")
    assert "not allowed" in settled.node.sh(f"sudo -n -l -U {EDGE}")
    assert settled.node.sh(f"getent passwd {EDGE}").endswith("/usr/sbin/nologin")
    settled.operator.with_(change=declaring(settled, key)).deploy()
    assert account.run("status").code == 0


def _forward(shop: Shop, options: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    node = shop.sandbox.record.nodes[0]
    plain = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
    argv = ["timeout", "5", "ssh", "-p", str(node.port), "-i", str(shop.sandbox.key), *plain, *options]
    return subprocess.run([*argv, f"{EDGE}@127.0.0.1"], input=b"", capture_output=True, timeout=60, check=False)


def _request(engine: RuntimeArchive, who: Path, signs: Path, store: str) -> bytes:
    now = int(time.time())
    data = launch.Statement(store, now, now + 3600, Part(engine.digest, len(engine.tar))).encode()
    argv = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(signs), "-n", launch.NAMESPACE]
    signature = subprocess.run(argv, input=data, check=True, capture_output=True, timeout=30).stdout
    name = fingerprint(blob_of(who.with_suffix(".pub").read_text()))
    return launch.asked(engine.hex) + launch.answered(name, data, signature, engine.data)


def _lay(shop: Shop, given: bytes) -> None:
    """Put bytes where the account reads them."""
    place = shop.sandbox.machine(shop.node.name).mounted / f"srv/request-{hashlib.sha256(given).hexdigest()[:8]}"
    place.write_bytes(given)
    shop.node.sh(f"install -m 0644 /srv/{place.name} /tmp/request")

"""Certificates of k3s are renewed by a restart before they end: in the store's hours, once, and proven."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Status
from edgectl.node.io.programs import Ran
from edgectl.node.k3s.certificates import Certificates
from edgectl.node.k3s.expiry import ends
from edgectl.wire.host import Reboots
from tests.unit.node.fake import FakeNode, ran

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
_KEY = ec.generate_private_key(ec.SECP256R1())


def pem(end: datetime, *, bits: int = 63) -> str:
    """Return a certificate that ends then; its serial is as long as asked."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "system:node")])
    made = (
        x509.CertificateBuilder(name, name, _KEY.public_key(), (1 << bits) - 1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(end)
        .sign(_KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    "text", ["2026-12-31T23:59:59+00:00", "2049-12-31T00:00:00+00:00", "2050-01-01T00:00:00+00:00"]
)
@pytest.mark.parametrize("bits", [7, 63, 158])
def test_when_a_certificate_ends_is_read(text: str, bits: int) -> None:
    """Both of X.509's forms of a time, of the first certificate where a chain follows, with text around it."""
    end = datetime.fromisoformat(text)
    assert ends(f"subject=x\n{pem(end, bits=bits)}{pem(NOW + timedelta(days=9000))}") == end


@pytest.mark.parametrize("cut", [0, 1, 2, 30, 70])
def test_what_is_no_certificate_says_so(node: FakeNode, cut: int) -> None:
    """A file that a power cut has emptied is not looked at and well: it could not be looked at."""
    lines = pem(NOW).splitlines()
    whole = "".join(lines[1:-1])
    _write(node, "agent/client-kubelet.crt", "\n".join((lines[0], whole[: cut * 4], lines[-1])) if cut else "")
    with pytest.raises(LookFailed, match=r"client-kubelet\.crt is no certificate"):
        Certificates("k3s.service", Reboots(), now=lambda: NOW).probe(node)


class Store:
    """A server's certificates, and a k3s that renews them when it starts, or does not."""

    def __init__(self, node: FakeNode, days: float, *, authority: float = 3650) -> None:
        self.node, self.now, self.renews = node, NOW, True
        self.leaf("server/tls/client-admin.crt", 365)
        self.leaf("agent/client-kubelet.crt", days)
        self.leaf("server/tls/server-ca.crt", authority)
        node.places.run.mkdir(parents=True)
        node.places.k3s_started.write_text("as declared")
        node.on_change = self._restart

    def leaf(self, path: str, days: float) -> None:
        """Write a certificate that ends in so many days."""
        _write(self.node, path, pem(self.now + timedelta(days=days)))

    def step(self, *hours: str, may: bool = False) -> Certificates:
        """Return the step, with the store's hours."""
        return Certificates("k3s.service", Reboots(hours), may=may, now=lambda: self.now)

    def note_is_old(self) -> None:
        """Let the restart be ten minutes ago."""
        at = self.now.timestamp() - 600
        os.utime(self.node.places.run / "certificates.tried", (at, at))

    def _restart(self, *argv: str) -> Ran:
        if argv[:2] == ("systemctl", "restart") and self.renews:
            self.leaf("agent/client-kubelet.crt", 365)
        return ran()


def _write(node: FakeNode, path: str, text: str) -> None:
    file = Path(node.places.k3s_data / path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def serving(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """Return a node that runs something already: it has hours to keep."""
    monkeypatch.setattr("edgectl.node.k3s.certificates.permitted", _permitted)
    return node


def _permitted(reboots: Reboots, *, serves: bool, may_reboot: bool, now: datetime | None) -> str:
    from edgectl.node.reboot.hours import permitted

    del serves
    return permitted(reboots, serves=True, may_reboot=may_reboot, now=now)


@pytest.mark.parametrize(("days", "status"), [(364, Status.CURRENT), (31, Status.CURRENT), (30, Status.DRIFTED)])
def test_a_month_is_enough(node: FakeNode, days: int, status: Status) -> None:
    """The first that ends counts; how many days are left is said."""
    seen = Store(node, days).step().probe(node)
    assert seen.status is status
    said = f"for {days} days" if status is Status.CURRENT else f"client-kubelet.crt ends in {days} days"
    assert said in seen.reason


def test_a_restart_renews_and_is_proven(node: FakeNode) -> None:
    """What counts is the new certificate; the started note goes first, so that a kill in between is seen."""
    store = Store(node, 12)
    step = store.step()
    step.apply(node, step.probe(node))
    assert node.changes == [("systemctl", "restart", "--no-block", "k3s.service")]
    assert not node.places.k3s_started.exists()
    assert (step.probe(node).status, step.probe(node).reason) == (Status.CURRENT, "for 365 days")


def test_it_waits_for_the_stores_hours(serving: FakeNode) -> None:
    """Outside them the store serves on, degraded, and says until when; a person may say now."""
    store = Store(serving, 12)
    seen = store.step("sun 03:00-04:00 UTC").probe(serving)
    assert (seen.status, seen.absent) == (Status.CURRENT, seen.reason)
    assert "client-kubelet.crt ends in 12 days; the restart of k3s that renews it waits for its hours" in seen.reason
    assert store.step("wed 03:00-23:00 UTC").probe(serving).status is Status.DRIFTED
    assert store.step("sun 03:00-04:00 UTC", may=True).probe(serving).status is Status.DRIFTED


def test_what_has_ended_waits_no_more(serving: FakeNode) -> None:
    """The API is gone by then: there is nothing to spare."""
    seen = Store(serving, -1).step("sun 03:00-04:00 UTC").probe(serving)
    assert (seen.status, "has ended on 2026-03-03" in seen.reason) == (Status.DRIFTED, True)


@pytest.mark.parametrize(("days", "status"), [(12, Status.CURRENT), (-1, Status.FAILED)])
def test_nothing_is_restarted_for_it_twice(node: FakeNode, days: int, status: Status) -> None:
    """A k3s that does not renew is given its time, then named with what to do: degraded, and not ready once it ends."""
    store = Store(node, days)
    store.renews, step = False, store.step()
    step.apply(node, step.probe(node))
    os.utime(node.places.run / "certificates.tried", (NOW.timestamp(), NOW.timestamp()))
    assert step.probe(node).status is Status.IN_PROGRESS
    store.note_is_old()
    seen = step.probe(node)
    assert (seen.status, bool(seen.absent), seen.is_gate) == (status, days > 0, days < 0)
    assert "a restart of k3s has not renewed it: k3s certificate rotate" in seen.reason


@pytest.mark.parametrize(
    ("days", "status", "said"),
    [
        (181, Status.CURRENT, ""),
        (180, Status.CURRENT, "ends in 180 days"),
        (0, Status.FAILED, "has ended on 2026-03-04"),
    ],
)
def test_an_authority_is_a_persons(node: FakeNode, days: int, status: Status, said: str) -> None:
    """No restart renews it: half a year before it is said, and once it has ended the store is not ready."""
    seen = Store(node, 200, authority=days).step().probe(node)
    assert (seen.status, said in seen.reason, bool(seen.absent)) == (status, True, days == 180)
    assert not said or "k3s certificate rotate-ca" in seen.reason


def test_without_certificates_nothing_passes(node: FakeNode) -> None:
    """None is not fine: not yet."""
    assert Certificates("k3s.service", Reboots(), now=lambda: NOW).probe(node).status is Status.IN_PROGRESS


def test_a_restart_that_is_refused_says_so(node: FakeNode) -> None:
    """With systemd's words."""
    step = Store(node, 12).step()
    node.on_change = lambda *_: ran(code=1, err="Unit k3s.service is masked.")
    with pytest.raises(ApplyFailed, match="k3s could not be restarted: Unit k3s"):
        step.apply(node, step.probe(node))

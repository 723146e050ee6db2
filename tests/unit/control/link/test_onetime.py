"""What two nodes know each other by: new each time, veiled, and no clock can make it invalid."""

from __future__ import annotations

from cryptography import x509

from edgectl.control.link.onetime import one_time


def test_it_is_new_each_time_and_veiled() -> None:
    """Law: no two deploys share one, and showing it shows nothing."""
    one, other = one_time(), one_time()
    assert one.certificate != other.certificate
    for mine, theirs in ((one.key, other.key), (one.token, other.token)):
        assert mine.reveal() != theirs.reveal()
        assert mine.reveal() not in repr(one)
    assert len(one.token.reveal()) >= 43


def test_no_clock_makes_it_invalid() -> None:
    """Law: a node whose clock is wrong by a decade takes part. Seeded fault: a certificate for one day."""
    found = x509.load_pem_x509_certificate(one_time().certificate.encode())
    assert (found.not_valid_before_utc.year, found.not_valid_after_utc.year) == (1970, 9999)

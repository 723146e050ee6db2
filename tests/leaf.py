"""A certificate of k3s that ends soon, as after most of a year without a restart, signed by its own authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def signed_again(leaf: str, authority: str, key: str, *, days: int) -> str:
    """Return the first certificate of a PEM file as it would be if it ended in so many days; same key, same names."""
    old, issuer = (x509.load_pem_x509_certificates(text.encode())[0] for text in (leaf, authority))
    signer = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(signer, EllipticCurvePrivateKey)
    ends = (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
    made = x509.CertificateBuilder(issuer.subject, old.subject, old.public_key(), x509.random_serial_number())
    made = made.not_valid_before(old.not_valid_before_utc).not_valid_after(ends)
    for extension in old.extensions:
        made = made.add_extension(extension.value, critical=extension.critical)
    text = made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    return text + authority


def ends_of(leaf: str) -> datetime:
    """Return when the first certificate of a PEM file ends."""
    return x509.load_pem_x509_certificates(leaf.encode())[0].not_valid_after_utc

"""What two nodes know each other by for the length of one deploy: a certificate, its key, and a token.

Owns their making. They are stored nowhere. The certificate holds for all times: a node's clock may be wrong by a
decade, and it is trusted by nobody but the two.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from edgectl.control.link.secret import Secret

_NAME = "edgectl share"
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OneTime:
    """One pair of ends. The certificate is no secret."""

    certificate: str  # PEM, and so is the key
    key: Secret
    token: Secret


def one_time() -> OneTime:
    """Make new ones."""
    from cryptography import x509  # here: most commands need none
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FIRST)
        .not_valid_after(_LAST)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return OneTime(certificate.public_bytes(pem).decode(), Secret(plain.decode()), Secret(secrets.token_urlsafe(32)))

"""Where k3s keeps its files, and who may read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.contract.bench import DATA, Bench
from tests.contract.row import Check
from tests.leaf import ends_of, signed_again


def certificates_stay(bench: Bench) -> None:
    ask = f"sha256sum {DATA}/server/tls/client-admin.crt {DATA}/server/tls/server-ca.crt"
    before = bench.server.sh(ask).out
    bench.restart()
    assert bench.server.sh(ask).out == before


def certificates_renewed(bench: Bench) -> None:
    tls = f"{DATA}/server/tls"
    authority = (bench.server.read(f"{tls}/client-ca.{end}") for end in ("crt", "key"))
    short = signed_again(bench.server.read(f"{tls}/client-admin.crt"), *authority, days=80)
    bench.server.put(f"{tls}/client-admin.crt", short)
    bench.restart()
    left = ends_of(bench.server.read(f"{tls}/client-admin.crt")) - datetime.now(UTC)
    assert left > timedelta(days=300)


CHECKS: dict[str, Check] = {
    "certificates-stay": certificates_stay,
    "certificates-renewed": certificates_renewed,
}

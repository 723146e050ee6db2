"""Backups in words: those on a node, those here, and what came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def brought(store: str, path: Path, size: int) -> str:
    """Return what is said of one that has come."""
    return (
        f"{store} is backed up: {path} ({size / 1e6:.1f} MB)\n"
        "  It holds the keys of the cluster and its Secrets, not encrypted; the file is yours alone (0600)."
    )


def lines(store: str, node: str, there: Sequence[dict[str, Any]], here: Sequence[Path], folder: Path) -> list[str]:
    """Return one line each, newest first."""
    found = [f"{store}/{node}  {_count(len(there))}"]
    for row in there:
        about = f"damaged: {row['damaged']}" if "damaged" in row else f"sequence {row['sequence']}, k3s {row['k3s']}"
        found.append(f"  {row['name']}  {row['bytes'] / 1e6:8.1f} MB  {about}")
    found.append(f"{folder}  {_count(len(here))}")
    found += [f"  {path.name}  {path.stat().st_size / 1e6:8.1f} MB" for path in here]
    return found


def document(store: str, there: Sequence[dict[str, Any]], here: Sequence[Path]) -> dict[str, object]:
    """Return it for programs."""
    return {"store": store, "node": list(there), "here": [str(path) for path in here]}


def _count(number: int) -> str:
    return {0: "no backup", 1: "1 backup"}.get(number, f"{number} backups")

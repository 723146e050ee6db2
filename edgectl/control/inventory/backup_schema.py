"""What an inventory may say of backups: how often the store's server takes one of its cluster, and how many it keeps.

Owns keys and types. When one is due is the node's to judge (node/backup/due.py).
"""

from __future__ import annotations

from pydantic import Field

from edgectl.control.inventory.network_schema import ClockTime
from edgectl.control.inventory.section import Length, Section


class Backup(Section):
    """Backups of the store's cluster that its server takes by itself, cable or not (docs/backup.md)."""

    every: Length = Field(default="24h", description="How often.")
    keep: int = Field(default=7, ge=1, le=100, description="How many stay on the node; the oldest go.")
    at: ClockTime | None = Field(
        default=None, description='Like "03:00", in the store\'s own time; with whole days alone (24h, 2d).'
    )

"""Which packages come along: all that is needed of what is at hand, in versions that suit all, and nothing else."""

from __future__ import annotations

RISING = (
    "0~rc1",
    "0",
    "0+b1",
    "1.0~~",
    "1.0~",
    "1.0~rc1",
    "1.0",
    "1.0-1~deb12u1",
    "1.0-1",
    "1.0-1+b1",
    "1.0-1.1",
    "1.9",
)
RISING += ("1.10", "1.10a", "10", "1:0.1", "2:0", "10:0")

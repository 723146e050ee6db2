"""Settings of the unit tests: Hypothesis without deadlines, since CI machines are slow at times."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("edgectl", deadline=None, max_examples=60)
settings.load_profile("edgectl")

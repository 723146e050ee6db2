"""Names of models become names of folders and files: which ones may."""

from __future__ import annotations

from edgectl.wire.errors import Refused
from edgectl.wire.payload import Models
from edgectl.wire.safename import is_safe


def judge_names(models: Models) -> None:
    """Raise Refused when a name would lead out of the registry."""
    named = [text for model in (*models.current, *models.next) for text in (model.name, model.folder, *model.files)]
    if wrong := [text for text in named if not is_safe(text)]:
        raise Refused(f"{wrong[0][:80]!r} is no name of a model's file", hint="build the bundle again")

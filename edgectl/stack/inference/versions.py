"""One version of a model: checked before it is believed, loaded, warm. What does not pass is named, and harms nothing.

Owns: the checks and their order: room, digests, that ONNX Runtime takes it, shapes, numbers, the golden answer. Must
not know which version runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgectl.stack.inference.golden import golden
from edgectl.stack.inference.job import Failed
from edgectl.stack.inference.loaded import Loaded, Place
from edgectl.stack.inference.model import AUTO, Model
from edgectl.stack.inference.protocol import Array, Tensor
from edgectl.stack.inference.tiers import Arrays, Band, Tiers, checked

FULL_FILE, FAST_FILE, NOTE = "model.onnx", "fast.onnx", "model.json"
MISSING, MEMORY, DIGEST, GARBAGE, SHAPE, NUMBERS, ANSWER = REFUSALS = (
    *("missing", "memory", "digest", "garbage"),
    *("shape", "numbers", "answer"),
)
_CHUNK = 1 << 20
_MIB = 1 << 20
_SAID = 200  # characters of ONNX Runtime's own words
_SIZES = (1, 64)  # of a made-up picture, where there is no golden question
_APART = 1e-3  # what a frame may differ by when it runs with others


class Unfit(Exception):
    """A version is not served; the text says why in one sentence, `word` is one of REFUSALS."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(sentence)
        self.word = word


@dataclass(frozen=True, slots=True)
class Terms:
    """On what a version is loaded. `budget_bytes`: files of all loaded versions together (0: no limit)."""

    provider: str = AUTO
    band: Band = field(default_factory=Band)
    budget_bytes: int = 0


def load(
    place: Place,
    terms: Terms,
    *,
    beside: Sequence[Loaded] = (),
    like: Loaded | None = None,
    usual: Sequence[Arrays] = (),
) -> Loaded:
    """Return a version, checked and warm; Unfit says why not.

    `beside` is what stays in memory, `like` what runs: whoever asks that one must be able to ask this one. `usual` are
    questions as they come now: it is warm for them.
    """
    folder = place.path
    models = sorted(path for path in folder.glob("*.onnx*") if path.is_file())
    if folder / FULL_FILE not in models:
        raise Unfit(MISSING, f"{FULL_FILE} is not in {folder}")
    size = sum(path.stat().st_size for path in models)
    taken = sum(version.size_bytes for version in beside)
    if terms.budget_bytes and size + taken > terms.budget_bytes:
        raise Unfit(
            MEMORY,
            f"its models have {size / _MIB:.1f} MiB, beside {taken / _MIB:.1f} MiB that are loaded; "
            f"the budget is {terms.budget_bytes / _MIB:.0f} MiB",
        )
    verify(folder)
    full = _session(place, FULL_FILE, terms.provider)
    fast = _session(place, FAST_FILE, terms.provider) if folder / FAST_FILE in models else None
    if fast is not None:
        fits(fast.inputs, full.inputs, f"inputs of {FAST_FILE}")
        fits(fast.outputs, full.outputs, f"outputs of {FAST_FILE}")
    if like is not None:
        fits(full.inputs, like.inputs, "inputs")
        fits(full.outputs, like.outputs, "outputs")
    try:
        known = golden(folder, inputs=full.inputs, outputs=full.outputs)
    except ValueError as error:
        raise Unfit(ANSWER, str(error)) from error
    question = known.question if known is not None else _made_up(full)
    said = _answer(full, question, FULL_FILE)
    if known is not None and (wrong := known.wrong(said)):
        raise Unfit(ANSWER, wrong)
    splits = _splits(full, question, said)
    if fast is not None:
        splits = _splits(fast, question, _answer(fast, question, FAST_FILE)) and splits
    tiers = Tiers(full, fast, terms.band, splits)
    _warm(tiers, usual)
    return Loaded(place, full.inputs, full.outputs, full.provider, tiers, known, question, size)


def verify(folder: Path) -> None:
    """Compare all files with the digests that model.json lists; a folder without one is taken as it is."""
    try:
        files = json.loads((folder / NOTE).read_bytes())["files"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unfit(DIGEST, f"{NOTE} cannot be read: {error!r}") from error
    for name, digest in sorted(files.items()):
        try:
            have = _digest(folder / name)
        except OSError as error:
            raise Unfit(MISSING, f"{name} cannot be read: {error.strerror}") from error
        if have != digest:
            raise Unfit(DIGEST, f"{name} is {have[:19]}..., {NOTE} says {str(digest)[:19]}...: it is not what was sent")


def fits(new: Sequence[Tensor], old: Sequence[Tensor], what: str) -> None:
    """Raise Unfit unless whoever speaks with the old ones can speak with the new ones."""
    if [(one.name, one.datatype) for one in new] != [(one.name, one.datatype) for one in old]:
        have, want = ([f"{one.name} {one.datatype}" for one in some] for some in (new, old))
        raise Unfit(SHAPE, f"its {what} are {', '.join(have)}, not {', '.join(want)}")
    for one, other in zip(new, old, strict=True):
        if len(one.shape) != len(other.shape) or any(
            have not in (-1, want) for have, want in zip(one.shape, other.shape, strict=True)
        ):
            raise Unfit(SHAPE, f"its {what}: {one.name} is {list(one.shape)}, not {list(other.shape)} (-1: any size)")


def _digest(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while part := stream.read(_CHUNK):
            found.update(part)
    return f"sha256:{found.hexdigest()}"


def _session(place: Place, file: str, provider: str) -> Model:
    try:
        return Model(place.name, place.version, place.path / file, provider=provider)
    except Exception as error:  # ONNX Runtime has many classes for a file that it cannot use
        said = " ".join(str(error).split())[:_SAID]
        raise Unfit(GARBAGE, f"{file} is no model that can be loaded: {said}") from error


def _answer(model: Model, question: Arrays, file: str) -> Arrays:
    try:
        said = checked(model.infer(question))
    except Exception as error:  # as above
        raise Unfit(ANSWER, f"{file} fails: {' '.join(str(error).split())[:_SAID]}") from error
    if isinstance(said, Failed):
        raise Unfit(NUMBERS, f"{file}: {said.sentence}")
    return said


def _warm(tiers: Tiers, usual: Sequence[Arrays]) -> None:
    """Let it answer what it will be asked: the first real question finds memory taken and kernels chosen."""
    for question in usual if tiers.splits else usual[:1]:
        for session in (tiers.full, tiers.fast):
            try:
                if session is not None:
                    session.infer(question)
            except Exception as error:  # as above
                said = " ".join(str(error).split())[:_SAID]
                raise Unfit(SHAPE, f"it fails at questions as they come now: {said}") from error


def _made_up(model: Model) -> Arrays:
    """Return a question that the model answers at all."""
    wrong: Exception | None = None
    for size in _SIZES:
        try:
            model.infer(one_frame(model.blank(size)))
        except Exception as error:  # noqa: BLE001 - as above
            wrong = error
        else:
            return one_frame(model.blank(size))
    raise Unfit(ANSWER, f"{FULL_FILE} answers no made-up question: {' '.join(str(wrong).split())[:_SAID]}")


def one_frame(question: Arrays) -> Arrays:
    """Return the first frame of each input."""
    return {name: array[:1] if array.ndim else array for name, array in question.items()}


def _splits(model: Model, question: Arrays, said: Arrays) -> bool:
    """Tell whether two questions that run as one get what each would get alone."""
    if any(not tensor.shape or tensor.shape[0] != -1 for tensor in (*model.inputs, *model.outputs)):
        return False
    other = {name: np.zeros_like(array) for name, array in question.items()}
    try:
        both = model.infer({name: np.concatenate([question[name], other[name]]) for name in question})
        alone = model.infer(other)
    except Exception:  # noqa: BLE001 - then they run one by one
        return False
    return all(_same(both[name], np.concatenate([said[name], alone[name]])) for name in said)


def _same(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=_APART, atol=_APART))

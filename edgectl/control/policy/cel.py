"""CEL: expressions compiled once, run on plain JSON, their errors as sentences.

Owns the language's library, our one function in it (`within`), and which facts an expression can see.
Must not know any rule, nor what the variables hold.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from edgectl.control.policy.versions import within
from edgectl.wire.hours import window

Over = Literal["payload", "objects", "deploy"]
VARIABLES: dict[Over, tuple[str, ...]] = {
    "payload": ("payload", "hosts", "store", "policy"),
    "objects": ("object", "pod", "images", "release", "store", "policy"),
    "deploy": ("store", "who", "now", "policy"),
}
_LISTS = ("hosts", "images")
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.+)")
_CONTAINER = re.compile(r" \(in container '[^']*'\)")
_CODE = re.compile(r"^[A-Z_]+: ")


class CelError(Exception):
    """An expression that is none, or that gave nothing; the text says why, in words for its author."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One compiled expression. `sees` are the facts it can depend on: variable -> its keys, None for all of it."""

    text: str
    program: Any
    sees: Mapping[str, frozenset[str] | None]


@functools.lru_cache(maxsize=4096)
def expression(over: Over, text: str, *, verdict: bool = False) -> Expression:
    """Compile an expression; `verdict`: one that must be true or false. CelError says what is wrong, and where."""
    from cel_expr_python import cel

    try:
        program = _environment(over).compile(text)
    except Exception as error:  # the library raises RuntimeError, and says no more in its type
        raise CelError(_compile_sentence(str(error))) from error
    given = program.return_type()
    if verdict and given not in (cel.Type.BOOL, cel.Type.DYN):
        raise CelError(f"it gives {given.name().lower()}, and true or false is needed")
    return Expression(text, program, _seen(text, VARIABLES[over]))


def activation(over: Over, facts: Mapping[str, Any]) -> Any:
    """Hand plain JSON over to the library, once for several expressions."""
    return _environment(over).Activation(facts)


def value(asked: Expression, given: Any) -> Any:
    """Run an expression; CelError when it ends in an error, as with a key that is not there."""
    from cel_expr_python import cel

    try:
        result = asked.program.eval(given)
        if result.type() == cel.Type.ERROR:
            raise CelError(_run_sentence(str(result.plain_value())))
        return result.plain_value()
    except RuntimeError as error:  # too much work: the library has a budget
        raise CelError(_run_sentence(str(error))) from error


def sees(expressions: Iterable[Expression]) -> dict[str, frozenset[str] | None]:
    """Return what several expressions can see together."""
    found: dict[str, frozenset[str] | None] = {}
    for one in expressions:
        for name, keys in one.sees.items():
            before = found.get(name, frozenset())
            found[name] = None if keys is None or before is None else before | keys
    return found


def visible(seen: Mapping[str, frozenset[str] | None], name: str, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what of a variable can be seen."""
    keys = seen.get(name, frozenset())
    return whole if keys is None else {key: whole[key] for key in sorted(keys) if key in whole}


def _seen(text: str, names: Iterable[str]) -> dict[str, frozenset[str] | None]:
    """Read off the text what it can depend on: rather too much than too little, since verdicts are kept by it.

    Every occurrence counts, in quotes, too; a variable that is not followed by a plain key is seen whole.
    """
    found: dict[str, frozenset[str] | None] = {}
    for name in names:
        for match in re.finditer(
            rf"(?<![A-Za-z0-9_]){name}(?![A-Za-z0-9_])(?:\.([A-Za-z_][A-Za-z0-9_]*)(?!\w|\s*\())?", text
        ):
            before = found.get(name, frozenset())
            found[name] = None if match[1] is None or before is None else before | {match[1]}
    return found


@functools.cache
def _environment(over: Over) -> Any:
    """Return the language with our variables, our function, optional keys (`a.?b.orValue(c)`) and text functions."""
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_optional, ext_strings

    text, anything, moment = cel.Type.STRING, cel.Type.DYN, cel.Type.TIMESTAMP
    types = {"now": moment, **dict.fromkeys(_LISTS, cel.Type.List(anything))}
    overloads = [
        cel.Overload("version_within", return_type=cel.Type.BOOL, parameters=[text, text], is_member=True, impl=within),
        cel.Overload("moment_within", return_type=cel.Type.BOOL, parameters=[moment, text], is_member=True, impl=_open),
    ]
    return cel.NewEnv(
        variables={name: types.get(name, cel.Type.Map(text, anything)) for name in VARIABLES[over]},
        functions=[cel.FunctionDecl("within", overloads)],
        extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional()],
    )


def _open(moment: datetime, hours: str) -> bool:
    return window(hours).holds(moment)


def _compile_sentence(said: str) -> str:
    found = _ERROR.findall(said)
    if not found:
        return _run_sentence(said)
    line, column, what = found[0]
    return f"{_CONTAINER.sub('', what)} (line {line}, column {column} of the expression)"


def _run_sentence(said: str) -> str:
    text = _CODE.sub("", said).splitlines()[0].rsplit(" [", 1)[0]
    if text.startswith("Key not found in map : "):
        return f"there is no key {text.rpartition(' : ')[2]} (ask has(...) before)"
    return text.rstrip(".")

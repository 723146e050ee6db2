"""YAML as Helm and Kubernetes read it: octal numbers, no dates, no base 60, `1e3` a number.

Owns the loader for everything that people write and Helm prints. Must not know what a document means, nor write YAML
(blockyaml.py).
"""

from __future__ import annotations

import re
from typing import Any

import yaml

# libyaml's parser where PyYAML was built with it: 2,000 stores load ten times faster
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_Base):  # type: ignore[misc]
    """A safe loader with the scalars of Go's YAML (sigs.k8s.io/yaml) in place of PyYAML's."""


_INT = re.compile(r"[-+]?(?:0b[01]+|0o?[0-7]+|0x[0-9a-fA-F]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_REPLACED = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")

Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(rf"(?:{_INT.pattern})$"), list("-+0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(rf"(?:{_FLOAT.pattern})$"), list("-+0123456789."))


def _int(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _float(loader: Any, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


Loader.add_constructor("tag:yaml.org,2002:int", _int)
Loader.add_constructor("tag:yaml.org,2002:float", _float)
# a bare `<<` or `=` that is no key is a text; Helm's toYaml writes it so
for _tag in ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"):
    Loader.add_constructor(_tag, _Base.construct_yaml_str)


def load_all(text: str) -> list[Any]:
    """Return every document of a stream; yaml.YAMLError when it is broken."""
    return list(yaml.load_all(text, Loader))

"""Secrets that stand in an inventory as they are: by the name of their key, or by their own look.

Owns how a secret is told from the name of one (`existingSecret`), a place (`/run/token`) or a variable (`${TOKEN}`).
Must not know which findings others have.
"""

from __future__ import annotations

import re
from functools import lru_cache

from edgectl.control.inventory.tree import Tree

Where = tuple[str | int, ...]

FREE = (("k3s", "config"), ("k3s", "kubelet"), ("k3s", "registries"))
_VALUES = ("releases", "*", "values")
INSTEAD = "say under secrets: where it is found (docs/secrets.md)"
_URL_INSTEAD = "take it out, and say under secrets: where it is found (docs/secrets.md)"
_CAMERA_INSTEAD = "take it out, and name a secret of the store beside the url (secret: NAME, docs/secrets.md)"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PASSWORDS = frozenset({"password", "passwd", "passphrase", "pwd"})
_ALONE = frozenset({"apikey", "secretkey", "accesskey", "privatekey", "authtoken", "accesstoken", "htpasswd", "psk"})
_KEYS = frozenset({"api", "secret", "access", "private", "signing", "encryption", "account", "shared", "master"})
_NO_TOKEN = re.compile("eos|bos|pad|unk|sep|cls|mask|stop|start|end|special|max|min|next|page|continue")
_TRUE_SECRET = re.compile(
    "client|cookie|jwt|shared|app|session|consumer|api|hmac|signing|webhook|oauth|oidc|master|root|admin|access"
)
_OF_NAMES = re.compile("secrets?|credentials|creds|tls|certs?|auth|token|keys?|config|registry")
_NO_LITERAL = re.compile(
    r"\s*|.*\{\{.*|.*\$[({].*|\$[A-Za-z_]\w*|/.*|~/.*|<[^<>]*>|\*+|[\w.-]+\.(?:key|pem|crt|json|txt|env)"
    r"|(?:env|file|vault|sops|secretref|ref\+\w+|aws|gcp):.*|(?i:true|false|null|none|auto|random|generated?)",
    re.DOTALL,
)
_NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)+")
_KEY_BLOCK = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----|^PuTTY-User-Key-File", re.MULTILINE)
_SHAPES = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{50}|\bglpat-[\w-]{20}|\bxox[abprs]-[\w-]{20}"
    r"|\bnvapi-[\w-]{40}|\bhf_[A-Za-z0-9]{30}|\bdckr_pat_[\w-]{20}|\bK10[0-9a-f]{64}::|\beyJ[\w-]{8,500}\.eyJ[\w-]{8,2000}\."
    r"|\bAGE-SECRET-KEY-1[0-9A-Z]{20}|\bhvs\.[\w-]{20}"
)
_URL_USER = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s/?#@:\"'<>]{0,200}:(?![0-9]{1,5}[/?#])([^\s\"'<>]+)@")
_URL_QUERY = re.compile(
    r"://\S{0,500}[/?&;_](?:password|passwd|pass|pwd|token|api_?key|secret|access_token)=([^&;_\s\"']+)", re.IGNORECASE
)
_WORTH_A_LOOK = re.compile(  # most texts have nothing of this, and are not looked at closer
    r"://[^=@]*[=@]|-----BEGIN|PuTTY|AKIA|gh[pousr]_|github_pat|glpat|xox|nvapi|hf_|dckr_pat|K10|eyJ|AGE-SEC|hvs|Bearer|Basic"
)
_BEARER = re.compile(r"(?:Bearer|Basic)\s+(\S{8,})")
_ARGUMENT = re.compile(r"-{0,2}([A-Za-z][\w.-]*)=(\S.*)")
_OPTION = re.compile(r"--?([A-Za-z][\w.-]*)")  # its value is the next argument
_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+|-[ \t]+)?[\"']?([A-Za-z][\w.-]*)[\"']?[ \t]*[:=][ \t]*(\S.*)$", re.MULTILINE
)


def plain_secrets(tree: Tree) -> list[tuple[Where, str]]:
    """Return the path of each secret in a store's or a node's tree, and a sentence about it that does not show it."""
    found: list[tuple[Where, str]] = []
    for key, child in tree.items():
        if key != "secrets":  # says where they are found; of that, only what a program is told can be one itself
            _look(child, (key,), False, found)
        else:
            _programs(child, found)
    return found


def _programs(secrets: Tree, found: list[tuple[Where, str]]) -> None:
    """Look at the arguments of programs: by their own look alone, since `-field=token` is what they are asked for."""
    for name, secret in secrets.items():
        for key, reference in secret.nearest("keys").items():
            arguments = reference.nearest("exec").value
            for index, item in enumerate(arguments if isinstance(arguments, list) else ()):
                if isinstance(item.value, str) and (what := looks(item.value)):
                    path: Where = ("secrets", name, "keys", key, "exec", index)
                    found.append((path, f"{_name(path)} holds {what} in plain text: {INSTEAD}"))


def _look(tree: Tree, path: Where, free: bool, found: list[tuple[Where, str]]) -> None:  # noqa: FBT001 - inside here
    """Look at a value and all in it; `free`: it lies in a map whose keys are not edgectl's own."""
    value, known = tree.value, len(found)
    if tree.clean:  # stores share most of what they say: it is looked through once
        return
    if isinstance(value, dict):
        below = free or path in FREE or (len(path) == len(_VALUES) and path[0::2] == _VALUES[0::2])
        for key, child in value.items():
            _look(child, (*path, key), below, found)
        if free and "value" in value and "name" in value:  # as containers' environments are written
            name, said = value["name"].value, value["value"].value
            if isinstance(name, str) and is_secret(name, said):
                found.append(((*path, "value"), f"{_name(path)} ({name}) is a secret in plain text: {INSTEAD}"))
    elif isinstance(value, list):
        below = free or path in FREE
        for index, item in enumerate(value):
            _look(item, (*path, index), below, found)
            option = _OPTION.fullmatch(item.value) if below and isinstance(item.value, str) else None
            if option and index + 1 < len(value) and is_secret(option[1], value[index + 1].value):
                at = (*path, index + 1)
                found.append((at, f"{_name(at)} ({item.value}) is a secret in plain text: {INSTEAD}"))
    elif isinstance(value, str) and (what := looks(value) or _lines(value, path, free=free)):
        instead = INSTEAD
        if "URL" in what:
            instead = _CAMERA_INSTEAD if path[0] == "cameras" else _URL_INSTEAD
        found.append((path, f"{_name(path)} holds {what} in plain text: {instead}"))
    elif free and is_secret(str(path[-1]), value):
        found.append((path, f"{_name(path)} is a secret in plain text: {INSTEAD}"))
    tree.clean = len(found) == known


def is_secret(key: str, value: object) -> bool:
    """Tell whether a value is a secret by its key; a number is one only where a password is asked for."""
    kind = _kind(key)
    if not kind or isinstance(value, bool) or not isinstance(value, str | int):
        return False
    if isinstance(value, int):
        return kind == "password"
    if _NO_LITERAL.fullmatch(value):
        return False
    words = _words(value)
    if kind != "password" and _NAME.fullmatch(value) and words and _OF_NAMES.fullmatch(words[-1]):
        return False  # token: api-token, secret: camera-credentials: the name of one
    return not (kind == "key" and (_kind(value) or value in ("username", "user")))  # secretKey: password


def asks_for_secret(key: str) -> bool:
    """Tell whether what stands under a key may be a secret, so that no sentence shows it."""
    return _kind(key) in ("password", "token", "key")


@lru_cache(maxsize=4096)
def _kind(key: str) -> str:
    """Return what a key asks for: "password", "token", "secret", "key", or "" for no secret."""
    words = _words(key)
    if not words:
        return ""
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _PASSWORDS or (last == "pass" and before):
        return "password"
    if last in _ALONE or key == ".dockerconfigjson" or words[-3:] == ("client", "key", "data"):
        return "token"
    if last == "token":
        return "" if _NO_TOKEN.fullmatch(before) else "token"
    if last == "secret":
        return "secret" if not before or _TRUE_SECRET.fullmatch(before) else ""
    return "key" if last == "key" and before in _KEYS and "existing" not in words else ""


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(text))


def looks(text: str) -> str:
    """Return what a text shows by its own look, "" for nothing."""
    if not _WORTH_A_LOOK.search(text):
        return ""
    if _KEY_BLOCK.search(text):
        return "a private key"
    if "://" in text:
        found = _URL_USER.search(text)
        if found and not _NO_LITERAL.fullmatch(found[1]):
            return "a URL's user and password"
        found = _URL_QUERY.search(text)
        if found and not _NO_LITERAL.fullmatch(found[1]):
            return "a URL's password"
    if _SHAPES.search(text):
        return "a token"
    found = _BEARER.search(text)
    return "a token" if found and not _NO_LITERAL.fullmatch(found[1]) and len(found[1]) > _WORD else ""


_WORD = 15  # letters of the word behind "Bearer" in a plain sentence


def _lines(text: str, path: Where, *, free: bool) -> str:
    """Return which setting of a file's text, or of an argument, is a secret."""
    if path[:2] == ("host", "files"):
        pattern = _LINE
    elif free and isinstance(path[-1], int) and "=" in text:
        pattern = _ARGUMENT
    else:
        return ""
    for key, value in pattern.findall(text):
        if is_secret(key, value.strip(" \t;,\"'")):
            return f"the secret {key}"
    return ""


def _name(path: Where) -> str:
    return ".".join(str(part) for part in path)

"""The one command line that becomes the engine: become root, find Python, find the engine or ask for it.

Owns the shell text (POSIX sh, any login shell: no single quote, no backslash before a quote, no `!` inside).
Must not know SSH. Nothing in it may read more of standard input than is meant for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LIMIT_BYTES = 1500
MARK = b"edgectl-link "
GO = b"edgectl-go\n"  # follows the password: the inner shell reads up to it, whatever sudo has read

_SAFE_PATH = re.compile(r"/[A-Za-z0-9._/-]+")

# As the logged-in user. $1 is the inner text. `n` bytes of opening come first on standard input: they belong to the
# engine if it is there, else they are dropped (head -c reads no further) and the operator sends them again.
_OUTER = r"""set -f;n=@N@;s(){ printf "\nedgectl-link %s\n" "$*";}
[ $(id -u) = 0 ]&&eval "$1"
export LC_ALL=C
command -v sudo >/dev/null||{ s sudo missing;exit 41;}
e=$(sudo -n true 2>&1 </dev/null)&&exec sudo -n sh -c "n=$n;$1"
[ @P@ = 1 ]||{ s sudo password $e;exit 41;}
[ $n = 0 ]||head -c $n >/dev/null
s password;IFS= read -r p
e=$(printf "%s\n" "$p"|sudo -kSp "" true 2>&1)||{ s sudo refused $e;exit 41;}
exec sudo -kSp "" sh -c "while read -r l&&[ \"\$l\" != edgectl-go ];do :;done;n=0;$1" """

# As root.
_INNER = r"""s(){ printf "\nedgectl-link %s\n" "$*";};d=@DIR@
command -v python3 >/dev/null||{ s python none;exit 42;}
[ -d $d ]&&{ s run;exec python3 -I $d @ARGS@;}
v=$(python3 -Ic "import sys;print(*sys.version_info[:3],sep=chr(46))" 2>&1 </dev/null)||{ s python $v;exit 42;}
[ $n = 0 ]||head -c $n >/dev/null
s absent $v;b=$(head -c @BOOT@);exec python3 -Ic "$b" $d @BYTES@ @ARGS@"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line has to know."""

    folder: str  # .../runtimes/<hex>
    bootstrap_bytes: int
    archive_bytes: int
    opening_bytes: int = 0
    has_password: bool = False
    arguments: tuple[str, ...] = ("session",)

    def text(self) -> str:
        """Return the command line; ValueError when a part of it is not safe in a shell."""
        if not _SAFE_PATH.fullmatch(self.folder):
            raise ValueError(f"not a plain absolute path: {self.folder}")
        if not all(re.fullmatch(r"[A-Za-z0-9._=-]+", argument) for argument in self.arguments):
            raise ValueError(f"not plain words: {self.arguments}")
        inner = _fill(
            _INNER,
            DIR=self.folder,
            ARGS=" ".join(self.arguments),
            BOOT=str(self.bootstrap_bytes),
            BYTES=str(self.archive_bytes),
        )
        outer = _fill(_OUTER, N=str(self.opening_bytes), P="1" if self.has_password else "0")
        return f"exec sh -c '{_one_line(outer)}' sh '{_one_line(inner)}'"


def _fill(text: str, **values: str) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _one_line(text: str) -> str:
    """Join lines: some login shells (csh) know no quoted newline."""
    return ";".join(line.strip() for line in text.strip().splitlines())

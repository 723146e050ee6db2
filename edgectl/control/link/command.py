"""The one command line that becomes the engine: become root, find Python, find the engine or ask for it.

Owns the shell text: POSIX sh inside, one line of single-quoted words outside, so that any login shell passes it on
(no single quote, no `!`, no newline). Must not know SSH. Nothing in it reads more of standard input than is its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LIMIT_BYTES = 1500
MARK = b"edgectl-link "
GO = b"edgectl-go\n"  # follows the password: the inner shell reads up to it, however much sudo has taken

_PATH = re.compile(r"/[A-Za-z0-9._/-]+")
_WORD = re.compile(r"[A-Za-z0-9._=-]+")

# As the one who logged in; $1 is the inner text. `sudo -k` asks for the password whatever sudo remembers, so that it
# takes exactly one line. It is tried on a pipe of its own first: at the end of that pipe a wrong one is refused at
# once, where on the session's own input sudo would wait for another.
_OUTER = r"""set -f;s(){ printf "\nedgectl-link %s\n" "$*";}
[ $(id -u) = 0 ]&&eval "$1"
export LC_ALL=C
command -v sudo >/dev/null||{ s sudo missing;exit 41;}
e=$(sudo -n true 2>&1 </dev/null)&&exec sudo -n sh -c "$1"
[ @PASSWORD@ = 1 ]||{ s sudo password $e;exit 41;}
s password;IFS= read -r p
e=$(printf "%s\n" "$p"|sudo -kSp "" true 2>&1)||{ s sudo refused $e;exit 41;}
exec sudo -kSp "" sh -c "until [ \"\$l\" = edgectl-go ];do read -r l||exit;done;$1" """

# As root. Single bytes, since not every `head -c` stops where it is told (busybox reads on).
_INNER = r"""s(){ printf "\nedgectl-link %s\n" "$*";};d=@FOLDER@
command -v python3 >/dev/null||{ s python none;exit 42;}
[ -d $d ]&&{ s run;exec python3 -I $d @ARGUMENTS@;}
v=$(python3 -Ic "import sys;print(*sys.version_info[:3],sep=chr(46))" 2>&1 </dev/null)||{ s python $v;exit 42;}
s absent $v;exec python3 -Ic "import os;exec(b\"\".join(os.read(0,1)for _ in range(@PROGRAM@)))" $d @ARGUMENTS@"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line has to know."""

    folder: str  # .../runtimes/<hex>
    program_bytes: int  # of the bootstrap's text
    arguments: tuple[str, ...] = ("session",)
    has_password: bool = False

    def text(self) -> str:
        """Return the command line; ValueError when a part of it is not plain enough for a shell."""
        if not _PATH.fullmatch(self.folder):
            raise ValueError(f"not a plain absolute path: {self.folder}")
        if not all(_WORD.fullmatch(argument) for argument in self.arguments):
            raise ValueError(f"not plain words: {self.arguments}")
        inner = (
            _INNER.replace("@FOLDER@", self.folder)
            .replace("@ARGUMENTS@", " ".join(self.arguments))
            .replace("@PROGRAM@", str(self.program_bytes))
        )
        outer = _OUTER.replace("@PASSWORD@", "1" if self.has_password else "0")
        return f"exec sh -c '{_one_line(outer)}' sh '{_one_line(inner)}'"


def _one_line(text: str) -> str:
    """Join lines: csh knows no quoted newline."""
    return ";".join(line.strip() for line in text.strip().splitlines())

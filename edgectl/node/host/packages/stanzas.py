"""Fields of packages as Debian writes them (deb-control(5)): pure.

Owns: that form, and what of it this engine asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node.host.packages.installed import names


@dataclass(frozen=True, slots=True)
class Stanza:
    """The fields of one package file, and its text as it was written."""

    fields: dict[str, str]
    text: str

    @property
    def name(self) -> str:
        """What it is called."""
        return self.fields.get("package", "")

    @property
    def identity(self) -> tuple[str, str, str]:
        """Return name, version, architecture."""
        return self.name, self.fields.get("version", ""), self.fields.get("architecture", "")

    @property
    def installed_bytes(self) -> int:
        """Return the room that it says it takes."""
        size = self.fields.get("installed-size", "")
        return int(size) * 1024 if size.isdigit() else 0

    def relates(self, *fields: str) -> frozenset[str]:
        """Return the names of the packages in these relations."""
        return frozenset().union(*(names(self.fields.get(field.lower(), "")) for field in fields))

    def takes_the_place_of(self, name: str, provides: frozenset[str]) -> bool:
        """Tell whether this package itself says that it comes instead of another one (policy 7.6.2)."""
        other = {name, *provides}
        return bool(other & self.relates("Replaces")) and bool(other & self.relates("Conflicts", "Breaks"))


def stanzas(text: str) -> list[Stanza]:
    """Read paragraphs."""
    found = []
    for paragraph in text.split("\n\n"):
        fields: dict[str, str] = {}
        last = ""
        for line in paragraph.strip("\n").splitlines():
            if line[:1] in {" ", "\t"}:
                fields[last] = f"{fields.get(last, '')} {line.strip()}"
            else:
                last, _, value = line.partition(":")
                last = last.lower()
                fields[last] = value.strip()
        if fields:
            found.append(Stanza(fields, paragraph.strip("\n") + "\n"))
    return found

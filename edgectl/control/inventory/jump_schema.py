"""What an inventory may say of a jump host.

Owns keys, types, and what is wrong with them. Must not know how the way through it is made (control/link).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from edgectl.control.inventory.path import path_error
from edgectl.control.inventory.publickey import key_error
from edgectl.control.inventory.section import Line, Section, Word


def _host_key(text: str) -> str:
    if why := key_error(text):
        raise ValueError(why)
    return text


def _path(text: str) -> str:
    if why := path_error(text):
        raise ValueError(why)
    return text


class Jump(Section):
    """A machine on the way to the node."""

    host: Word = Field(description="Name or address, seen from the host before it on the way.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=22, description="Of its SSH server.")
    user: Word = Field(description="Who logs in there; no rights are needed but to go on.")
    host_key: Annotated[Line, AfterValidator(_host_key)] = Field(
        description="Its public SSH host key, pinned as a node's is: ssh-ed25519 AAAA..."
    )
    keys: list[Annotated[Line, AfterValidator(_path)]] = Field(
        default=[], description="Private key files, tried in this order; ~ is your home. They never leave this machine."
    )
    agent: bool = Field(default=True, description="Ask a running SSH agent, too; it is forwarded nowhere.")

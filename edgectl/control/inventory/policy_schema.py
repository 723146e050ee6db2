"""What an inventory may say under `policy`: rules, exceptions, and the lists that the built-in rules read.

Owns keys and types. Must not know which rules are built in, nor CEL (control/policy).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from edgectl.control.inventory.section import Label, Section
from edgectl.control.inventory.selector import selector
from edgectl.control.policy.versions import asked_range
from edgectl.wire.errors import UsageError
from edgectl.wire.hours import window


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError(f'a day is needed, like "2027-01-31", not "{text}"') from error


def _range(text: str) -> str:
    asked_range(text)
    return text


def _window(text: str) -> str:
    window(text)
    return text


def _stores(text: str) -> str:
    try:
        selector(text)
    except UsageError as error:
        raise ValueError(str(error.message)) from None
    return text


Stores = Annotated[str, AfterValidator(_stores)]
Day = Annotated[str, AfterValidator(_day)]
Range = Annotated[str, AfterValidator(_range)]
Hours = Annotated[str, AfterValidator(_window)]
Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9._/-]+)?$")]


class Exempt(Section):
    """Stores that a rule leaves alone until a day; who reads it must learn why."""

    stores: Stores = Field(description='A selector: store-0*, group:eu, "profile:t4 and not store-042".')
    until: Day = Field(description='The last day on which it excuses, in quotes: "2027-01-31".')
    why: Text = Field(description="Whoever reads it must learn why.")


class Rule(Section):
    """One rule in CEL. Of a built-in rule only what differs is said."""

    over: Literal["payload", "objects", "deploy"] | None = Field(
        default=None, description="What it judges: the payload, each object of its releases, or the deploy."
    )
    when: str | None = Field(default=None, description="CEL: where this is not true, the rule has nothing to say.")
    check: str | None = Field(default=None, description="CEL: what must be true.")
    message: Text | None = Field(default=None, description="What is said where it is not; {...} is CEL.")
    severity: Literal["error", "warning"] | None = Field(default=None, description="error when not given.")
    why: str | None = Field(default=None, description="One sentence for whoever asks what the rule is for.")
    where: str | None = Field(default=None, description="The key that a person would change, like k3s.version.")
    exceptions: list[Exempt] = Field(default=[], description="Stores that it leaves alone for a while, and why.")


class Permission(Section):
    """Who may deploy, and when."""

    who: list[Text] = Field(default=[], description="user, user@host or a key's fingerprint; left out: everybody.")
    open: list[Hours] = Field(default=[], description='Like "mon-fri 22:00-05:00 Europe/Berlin"; left out: always.')


class Policy(Section):
    """What stores may become."""

    rules: dict[Label, Rule | None] = Field(default={}, description="null: this built-in rule is switched off.")
    registries: list[Name] = Field(default=[], description="Where images may come from: host or host/path; none: any.")
    k3s: Range = Field(default="", description='Versions of k3s that may be declared: ">=1.34,<1.38".')
    driver: Range = Field(default="", description='Versions of the GPU driver that may be declared: ">=570,<600".')
    residency: list[Name] = Field(default=[], description="Domains that data may go to, what is below them included.")
    deploy: list[Permission] = Field(default=[], description="One of these must hold; none: anybody, at any time.")

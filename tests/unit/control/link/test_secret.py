"""A secret shows itself nowhere by accident."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import replace

import pytest

from edgectl.control.link.secret import Secret
from edgectl.control.link.target import Target


def test_no_text_made_of_it_shows_it() -> None:
    """Neither repr, str, format, a dataclass around it, nor a traceback."""
    secret = Secret("hunter2")
    target = Target(node="n", host="h", host_key="k", password=secret)
    shown = "".join(traceback.format_exception(ValueError(target, secret, f"{secret}")))
    shown += f"{secret!r} {secret} {target} {replace(target, port=1)!r}"
    assert "hunter2" not in shown
    assert "***" in shown
    assert secret.reveal() == "hunter2"


def test_it_is_not_pickled() -> None:
    """It does not slip into a file or another process."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("hunter2"))


def test_an_ipv6_door_is_readable() -> None:
    """A place in a sentence can be copied."""
    assert Target(node="n", host="fe80::1", host_key="k").where == "n (root@[fe80::1]:22)"

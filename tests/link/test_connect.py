"""Who is let in, and what people are told when it is not them: against a real OpenSSH server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from edgectl.control.link.connect import connect
from edgectl.control.link.keys import agent_keys
from edgectl.wire.errors import Exit, InvalidInput, Unreachable

pytestmark = pytest.mark.link


def test_another_host_key_is_refused_with_both_fingerprints(sshd, keygen, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A node that shows another key than the pinned one is never logged in to."""

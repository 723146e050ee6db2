"""The text of `edgectl history`: one sequence a line, the reason below it. Pure."""

from __future__ import annotations

from typing import Any

from edgectl.wire.envelope import short


def told(store: str, rows: list[dict[str, Any]]) -> str:
    """Say what a store was given, newest first."""
    if not rows:
        return f"{store}: nothing has been deployed to this node yet"
    lines = [f"{'SEQ':>4}  {'GIVEN (UTC)':<16}  {'STATE':<10}  {'PAYLOAD':<12}  {'COMMIT':<7}  BY"]
    for row in rows:
        sender = row.get("sender", {})
        lines.append(
            f"{row.get('sequence', 0):>4}  {str(row.get('created', '')).replace('T', ' ')[:16]:<16}  "
            f"{state(row):<10}  {short(str(row.get('payload', ''))):<12}  {str(row.get('commit', ''))[:7]:<7}  "
            f"{sender.get('user')}@{sender.get('host')}"
        )
        if summary := str(row.get("summary", "")):
            lines.append(f"      {summary}")
        if rejected := row.get("rejected"):
            when = str(rejected.get("time", "")).replace("T", " ")[:16]
            lines.append(f"      rejected {when} because {rejected.get('reason', '')}")
        if is_split(row):
            lines.append(f"      its base runs, under the apps of sequence {row['apps']}")
    return "\n".join(lines)


def state(row: dict[str, Any]) -> str:
    """Return one word for what a sequence is to its store."""
    if row.get("state"):
        return str(row["state"])
    if row.get("rejected"):
        return "rejected"
    return "ran" if row.get("promoted") else "never ran"


def is_split(row: dict[str, Any]) -> bool:
    """Tell whether a sequence that runs does so under the apps of another one."""
    return row.get("state", "current") == "current" and row.get("apps", row.get("sequence")) != row.get("sequence")

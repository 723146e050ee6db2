"""The verdict on a chain, from what is believed of its links: the first that is broken upstream, in one sentence. Pure.

Owns: ready, degraded, not ready; what is not asked since something upstream is broken; the sentence. Times are
monotonic seconds; `wall` turns them into what people read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone, tzinfo

from edgectl.node.vision.chain.links import Part, before, broken, is_stack, needed, parts, well
from edgectl.node.vision.chain.memory import Kept
from edgectl.wire.chain import DEGRADED, NOT_READY, READY, Chain, Crossing
from edgectl.wire.chainlook import MISSING, NOT_ASKED, SILENT, SLOW, ChainLook, Link
from edgectl.wire.verdict import UNKNOWN

Wall = Callable[[float], float]  # monotonic seconds -> seconds since 1970
_LONGEST = 400


def judge(
    node: str, chain: Chain, kept: Mapping[str, Kept], canary: Crossing | None, *, wall: Wall, zone: tzinfo, now: float
) -> ChainLook:
    """Return the whole verdict. `now` is the same clock as `Kept.since`."""
    order = parts(chain, kept)
    links = _links(order, kept, lambda at: (wall(at), when(wall(at), wall(now), zone)))
    look = ChainLook(node, READY, "", links=links, ms=dict(canary.ms) if canary else {})
    look = replace(look, reached=canary.reached if canary else "")
    worst = [link for link in links if link.word == NOT_READY] or [link for link in links if link.word == DEGRADED]
    if not links:
        return replace(look, word=UNKNOWN, reason="nothing of the chain is there to be asked")
    if not worst:
        return replace(look, reason=look.path)
    must = needed(order)
    fails = any(link.word == NOT_READY and link.name in must for link in links)
    first, others = worst[0], [link.name for link in look.broken if link.name != worst[0].name]
    return replace(
        look,
        word=NOT_READY if fails else DEGRADED,
        reason=sentence(order, links, first, others),
        first=first.name,
    )


def sentence(order: tuple[Part, ...], links: tuple[Link, ...], first: Link, others: list[str]) -> str:
    """Say how far the chain is well, and where it ends: `bus delivers; sink not reached since 14:02: ...`."""
    by_name = {link.name: link for link in links}
    way = before(order, first.name) if is_stack(first.name) else ()  # users' own stand beside the way
    upstream = (well(name) for name in way if by_name[name].word == READY)
    so_far = next((said for said in upstream if said), "")
    since = f" since {first.when}" if first.when else ""
    reason = f": {first.reason}" if first.reason else ""
    said = f"{so_far + '; ' if so_far else ''}{first.name} {state(first)}{since}{reason}"[:_LONGEST]
    return f"{said} (also: {', '.join(others)})" if others else said


def state(link: Link) -> str:
    """Return the words for how a broken link is."""
    if link.how in {MISSING, SILENT, SLOW}:
        return link.how
    return "degraded" if link.word == DEGRADED else broken(link.name)


def when(at: float, now: float, zone: tzinfo) -> str:
    """Return a time as the store's people read it: `14:02`, and with its day when that is another one."""
    there, here = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    text = f"{there:%H:%M}" if there.date() == here.date() else f"{there:%Y-%m-%d %H:%M}"
    return f"{text} UTC" if zone is timezone.utc else text


def _links(
    order: tuple[Part, ...], kept: Mapping[str, Kept], times: Callable[[float], tuple[float, str]]
) -> tuple[Link, ...]:
    must, root = needed(order), dict[str, str]()
    found = []
    for part in order:
        have, required = kept[part.name], part.name in must
        link = Link(
            part.name, have.word, have.reason, have.kind, have.how, required, doubt=have.doubt, rests=part.rests
        )
        below = next((root[name] for name in part.rests if name in root), "")
        if below:
            root[part.name] = below
            link = Link(part.name, NOT_ASKED, f"{below} is broken", required=required, rests=part.rests)
        elif have.word in {DEGRADED, NOT_READY}:
            since, text = times(have.since)
            link = replace(link, since=since, when=text)
            if have.word == NOT_READY:
                root[part.name] = part.name
        found.append(link)
    return tuple(found)

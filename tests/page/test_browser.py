"""The page in a real browser: nothing leaves the file; all can be read, on a phone, in the dark, on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.accept.kit import Kit
from edgectl.control.accept.report import Named, report
from edgectl.report.page.accepted import page
from edgectl.report.page.page import write
from edgectl.wire.diagnosis import Cause
from tests import told
from tests.browser import Browser
from tests.unit.control.accept.site import SANDBOX, FakeSite

# Texts that are cut off, lie outside the window or under something, or are too faint (WCAG AA: 4.5, 3 when large).
READ = """(() => {
  const lum = c => { const p = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
                     return .2126 * p[0] + .7152 * p[1] + .0722 * p[2]; };
  const rgb = s => (s.match(/[\\d.]+/g) || []).map(Number);
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
                        if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const bad = [], wide = document.documentElement.clientWidth;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walk.nextNode()) {
    const text = walk.currentNode, e = text.parentElement, said = text.data.trim();
    if (!said || e.closest('svg') || (e.closest('details:not([open])') && !e.closest('summary'))) continue;
    count++;
    const range = document.createRange(); range.selectNodeContents(text);
    const style = getComputedStyle(e);
    for (const box of range.getClientRects())
      if (box.left < -1 || box.right > wide + 1) bad.push(['outside', said]);
    if (!range.getClientRects().length || style.visibility == 'hidden' || style.opacity < 1) bad.push(['unseen', said]);
    if (parseFloat(style.fontSize) < 12) bad.push(['small', said]);
    const [a, b] = [lum(rgb(style.color).slice(0, 3)), lum(ground(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push(['faint ' + ratio.toFixed(2), said]);
  }
  for (const e of document.querySelectorAll('svg')) {
    const box = e.getBoundingClientRect();
    if (box.right > wide + 1 || box.left < -1 || box.width < 8) bad.push(['drawing', e.getAttribute('aria-label')]);
  }
  return {bad, count, sideways: document.documentElement.scrollWidth - wide, script: !!window.ran};
})()"""
LONG = "x" * 300


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return pages: a deploy that went well, one that did not, hostile names and very long ones, several stores."""
    folder = tmp_path_factory.mktemp("pages")
    hostile = told.deploy(fails=True)
    hostile["sentence"] = f"{LONG} <script>window.ran=1</script><img src=https://evil.example onerror='window.ran=1'>"
    hostile["title"] = "<iframe src=https://evil.example>"
    hostile["chain"]["links"].append(told.link(f"camera:{LONG}"[:64], reason=LONG))
    hostile["events"][-1] |= {"title": LONG, "reason": LONG, "evidence": [LONG]}
    hostile["others"] = {"node-2": {"word": "ready", "reason": LONG}}
    stores = {
        "good": [("store-042", told.deploy())],
        "bad": [("store-042", told.deploy(fails=True))],
        "hostile": [("store-042", hostile)],
        "several": [(f"store-{n:03}", told.deploy(fails=n == 3)) for n in range(6)],
    }
    for name, documents in stores.items():
        write(folder / f"{name}.html", documents)
    (folder / "accepted.html").write_text(accepted())
    return {name: folder / f"{name}.html" for name in (*stores, "accepted")}


def accepted() -> str:
    """Return the page of an acceptance in which something has failed, with what no machine should say of itself."""
    kit = Kit(FakeSite(SANDBOX, cause=Cause("E-GPU-01", LONG, "<script>window.ran=1</script>")), 0, 7)
    kit.run()
    return page(report(kit, Named(LONG, "", LONG, LONG, "2026-11-28T09:00:00Z", "2026-11-28T09:10:00Z")))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["good", "bad", "hostile", "several", "accepted"])
def test_all_of_it_is_seen(tab: Browser, pages: dict[str, Path], name: str, width: int, *, dark: bool) -> None:
    """Law: no text is outside, hidden, too small or too faint; nothing scrolls sideways; nothing runs.

    Seeded: bars as wide as their scale, quiet text at #8a94a3, `white-space: nowrap` on reasons.
    """
    tab.requests.clear()
    tab.open(pages[name], width=width, dark=dark)
    for open_them in (False, True):
        if open_them:
            tab.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = tab.ask(READ)
        assert found["bad"] == []
        assert found["sideways"] <= 0
        assert found["count"] > 60
        assert found["script"] is False
    assert tab.requests == [pages[name].as_uri()], "a page asks for nothing but itself"


def test_it_prints(tab: Browser, pages: dict[str, Path]) -> None:
    """On paper it is whole: what is folded on the screen is told, too."""
    tab.open(pages["bad"], width=1280)
    tab.call("Emulation.setEmulatedMedia", media="print")
    pdf = tab.printed()
    assert pdf.startswith(b"%PDF")
    assert 1 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/") <= 6
    height = "document.querySelector('details pre').getBoundingClientRect().height"
    assert tab.ask(height) > 20


def test_without_a_program_it_is_the_same(tab: Browser, pages: dict[str, Path]) -> None:
    """Nothing of it is made by JavaScript."""
    tab.open(pages["good"], width=1280)
    with_it = tab.ask("document.body.innerText")
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(pages["good"], width=1280)
        assert tab.ask("document.body.innerText") == with_it
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)

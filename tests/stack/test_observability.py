"""Laws of templates/observability: Prometheus takes the alerts, each fires and is quiet, each metric is one of ours."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack.exposed import METRIC, PARTS
from tests.stack.promtool import program

HOUSE = Path(__file__).parents[2]
FOLDER = HOUSE / "templates" / "observability"
ALERTS, CASES, DASHBOARD, SCRAPE = "alerts.yaml", "alerts_test.yaml", "dashboard.json", "scrape.yaml"


def rules() -> list[dict[str, Any]]:
    doc = yaml.safe_load((FOLDER / ALERTS).read_text())
    return [rule for group in doc["groups"] for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    return list(yaml.safe_load((FOLDER / CASES).read_text())["tests"])


def dashboard() -> dict[str, Any]:
    return dict(json.loads((FOLDER / DASHBOARD).read_text()))


def queries(doc: dict[str, Any]) -> list[str]:
    """Return everything that the dashboard asks Prometheus."""
    asked = [target["expr"] for panel in doc["panels"] for target in panel.get("targets", ())]
    asked += [one["definition"] for one in doc["templating"]["list"] if one["type"] == "query"]
    return asked + [one["expr"] for one in doc["annotations"]["list"]]


@functools.cache
def made() -> set[str]:
    """Return the names of all metrics that the code makes: texts, and f-strings that begin with a constant."""
    names: set[str] = set()
    for path in (HOUSE / "edgectl").rglob("*.py"):
        tree = ast.parse(path.read_text())
        known = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        names.update(text for text in texts(tree, known) if METRIC.fullmatch(text))
    return names


def texts(tree: ast.AST, known: dict[str, Any]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value)
                if isinstance(part, ast.Constant)
                else str(known.get(part.value.id, "?"))
                if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name)
                else "?"
                for part in node.values
            )


def missing(query: str, names: set[str]) -> set[str]:
    """Return the metrics in a query that nobody makes."""
    wanted = set()
    for name in METRIC.findall(re.sub(r'"[^"]*"', '""', query)):
        base = next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name)
        if not {name, base} & names:
            wanted.add(name)
    return wanted


def run(*arguments: str, cwd: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program(), *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_prometheus_takes_the_rules() -> None:
    """`promtool check rules`: expressions, durations, and the templates in the sentences."""
    ended = run("check", "rules", ALERTS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{len(rules())} rules found" in ended.stdout
    assert len(rules()) > 20


def test_every_case_is_so() -> None:
    """`promtool test rules`: all of the cases."""
    ended = run("test", "rules", CASES)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(("expr", "word"), [("vector(1)", "is quiet"), ("vector(1) == 0", "fires")])
def test_the_cases_bite(tmp_path: Path, expr: str, word: str) -> None:
    """Seeded faults: an alert that always fires breaks its quiet case, one that never does its firing case: of each."""
    doc = yaml.safe_load((FOLDER / ALERTS).read_text())
    for group in doc["groups"]:
        for rule in group["rules"]:
            rule["expr"] = expr
    (tmp_path / ALERTS).write_text(yaml.safe_dump(doc))
    tried = yaml.safe_load((FOLDER / CASES).read_text())
    tried["tests"] = [case for case in tried["tests"] if case["name"].endswith(word)]
    (tmp_path / CASES).write_text(yaml.safe_dump(tried))
    ended = run("test", "rules", CASES, cwd=tmp_path)
    assert ended.returncode != 0
    failed = set(re.findall(r'alertname="(\w+)"', ended.stdout + ended.stderr))
    assert failed == {rule["alert"] for rule in rules()}


def test_every_alert_has_both_cases_about_its_own_metrics() -> None:
    """One in which it fires, one in which it is quiet although its metrics are there: none passes on nothing."""
    fires: dict[str, set[bool]] = {}
    exprs = {rule["alert"]: rule["expr"] for rule in rules()}
    for case in cases():
        alert, _, word = case["name"].partition(" ")
        (asked,) = case["promql_expr_test"]
        assert f'alertname="{alert}"' in asked["expr"]
        assert bool(asked["exp_samples"]) == (word == "fires"), case["name"]
        given = {series["series"].partition("{")[0] for series in case["input_series"]}
        assert given
        assert all(name in exprs[alert] for name in given), case["name"]
        fires.setdefault(alert, set()).add(word == "fires")
    assert fires == {alert: {True, False} for alert in exprs}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    """A severity of three, a sentence, and a next step; nothing else."""
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "action"}
    for text in rule["annotations"].values():
        assert text.endswith((".", "`"))
        assert len(text) > 20


def test_every_metric_is_made_by_somebody() -> None:
    """Rules and dashboard name only metrics that the code makes (what its processes expose: test_whole.py)."""
    names = made()
    assert "vision_drift_found" in names
    assert "edgectl_gpu_ready" in names
    for rule in rules():
        assert missing(rule["expr"], names) == set(), rule["alert"]
    for query in queries(dashboard()):
        assert missing(query, names) == set(), query


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("rate(vision_drift_framez_total[5m])", {"vision_drift_framez_total"}),
        ("vision_drfit_found == 1", {"vision_drfit_found"}),
        ("edgectl_gpu_readz > 0", {"edgectl_gpu_readz"}),
        ("vision_bus_messages_total > 0", {"vision_bus_messages_total"}),
        ('vision_drift_found{cause="vision_drift_nothing"}', set()),
        ("up == 0", set()),
    ],
)
def test_a_metric_that_nobody_makes_is_found(query: str, found: set[str]) -> None:
    """Seeded faults: a typo in a name, in a service's name, in a node's."""
    assert missing(query, made()) == found


def test_names_in_f_strings_are_read() -> None:
    tree = ast.parse('_N = "vision_camera_"\nx = f"{_N}frames_total"\ny = f"{other()}frames"')
    assert "vision_camera_frames_total" in set(texts(tree, {"_N": "vision_camera_"}))


def test_the_dashboard_is_one_screen_of_one_store() -> None:
    """Both variables are there and used by every panel; panels lie beside each other, not on each other."""
    doc = dashboard()
    kinds = {one["name"]: one["type"] for one in doc["templating"]["list"]}
    assert kinds == {"datasource": "datasource", "store": "query"}
    taken: set[tuple[int, int]] = set()
    for panel in doc["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"]
        for target in panel["targets"]:
            assert 'store=~"$store"' in target["expr"], panel["title"]
            assert target["datasource"]["uid"] == "${datasource}"
    assert len({panel["id"] for panel in doc["panels"]}) == len(doc["panels"])
    rows = [panel["title"] for panel in doc["panels"] if panel["type"] == "row"]
    assert rows == ["Chain", "Cameras", "Inference", "Uplink", "Drift", "GPU"]


def test_prometheus_takes_the_dashboards_queries(tmp_path: Path) -> None:
    """Each one as a rule of its own: `promtool check rules` parses it."""
    exprs = [query.replace("$store", ".*") for query in queries(dashboard()) if not query.startswith("label_values")]
    named = [{"record": f"dashboard:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    (tmp_path / "d.yaml").write_text(yaml.safe_dump({"groups": [{"name": "d", "rules": named}]}))
    ended = run("check", "rules", "d.yaml", cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(named) > 30


def test_what_is_scraped_is_what_the_services_offer() -> None:
    """By the name of the port, with the labels that the alerts go by; node_exporter's port is asked for on the node."""
    doc = yaml.safe_load((FOLDER / SCRAPE).read_text())
    assert doc["rule_files"] == [ALERTS]
    assert "store" in doc["global"]["external_labels"]
    vision, node = doc["scrape_configs"]
    assert (vision["job_name"], node["job_name"]) == ("vision", "node")
    keeps = [one for one in vision["relabel_configs"] if one.get("action") == "keep"]
    assert [one["regex"] for one in keeps] == ["ops"]
    assert "service" in {one.get("target_label") for one in vision["relabel_configs"]}

"""The charts' sources: what must be in them whatever their values are. How they render: see the tests with Helm."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

CHARTS = Path(__file__).parents[3] / "templates" / "charts"
NAMES = sorted(path.name for path in CHARTS.iterdir() if (path / "Chart.yaml").is_file())


def templates(chart: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((CHARTS / chart / "templates").iterdir())}


def test_both_charts_are_here() -> None:
    """Law: the device plugin's and the vision stack's charts come with edgectl."""
    assert {"nvidia-device-plugin", "vision-stack"} <= set(NAMES)


@pytest.mark.parametrize("chart", NAMES)
def test_a_chart_renders_the_same_each_time(chart: str) -> None:
    """Law: no template asks for randomness, the time, or the cluster: the operator's rendering is Helm's."""
    for name, text in templates(chart).items():
        found = re.search(r"\{\{[^}]*\b(rand\w*|now|date\w*|lookup|uuidv4|gen\w+|Capabilities|getHostByName)\b", text)
        assert found is None, f"{name}: {found[0]}"


@pytest.mark.parametrize("chart", NAMES)
def test_every_value_is_in_the_schema(chart: str) -> None:
    """Law: a value that the schema does not know is refused, so the schema knows them all."""
    values = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text())
    assert schema["additionalProperties"] is False
    assert set(values) == set(schema["properties"]) - {"global"}
    for name, value in values.items():
        known = schema["properties"][name]
        if isinstance(value, dict) and known.get("properties"):
            assert known["additionalProperties"] is False
            assert set(value) == set(known["properties"])


@pytest.mark.parametrize("chart", NAMES)
def test_images_need_a_tag_that_stays(chart: str) -> None:
    """Law: no image without tag or digest, and never `latest`."""
    text = (CHARTS / chart / "values.schema.json").read_text()
    schema = json.loads(text)
    image = schema["definitions"]["image"] if "definitions" in schema else schema["properties"]["image"]
    for good in ("a:1", "r.example:5000/a/b:1.2", "a/b@sha256:" + "0" * 64, "a/b:1@sha256:" + "0" * 64):
        assert re.search(image["pattern"], good), good
        assert not re.search(image["not"]["pattern"], good), good
    for bad in ("", "a", "r.example:5000/a", "a:", "a b:1", "a@sha256:12"):
        assert not re.search(image["pattern"], bad), bad
    assert re.search(image["not"]["pattern"], "a:latest")


@pytest.mark.parametrize("chart", NAMES)
def test_no_text_stands_bare_in_a_template(chart: str) -> None:
    """Law: what a template prints is quoted, an integer, or YAML that Helm writes: a release called 012 is no number.

    What is defined in _configs.tpl is the text of a file, and what a `required` gives: whoever includes them quotes all
    of it. Seeded: `name: {{ .Release.Name }}`; `include "vision.image" .` without a quote.
    """
    silent = re.compile(r"if |end\b|with |range |else\b|define |include |required |/\*|\$\w+ :?=")
    safe = re.compile(r"\| (quote|int64)$|^toYaml .* \| nindent \d+$")
    whole = re.compile(r'^include (\(printf )?"vision\.(config\.|image")')
    for name, text in templates(chart).items():
        actions = [action.strip("- ") for action in re.findall(r"\{\{(.*?)\}\}", text, re.DOTALL)]
        if name == "_configs.tpl":
            continue
        assert [action for action in actions if not silent.match(action) and not safe.search(action)] == [], name
        assert [action for action in actions if whole.match(action) and not action.endswith("| quote")] == [], name

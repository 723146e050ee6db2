"""docs/policy.md and the rules say the same."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from edgectl.control.inventory.policy_schema import Policy, Rule
from edgectl.control.policy.cel import VARIABLES
from edgectl.control.policy.judge import judge
from edgectl.control.policy.rules import built_in, compile_findings
from tests.unit.control.policy.stores import TODAY, changed, facts, payload

PAGE = (Path(__file__).parents[4] / "docs" / "policy.md").read_text()


def row(name: str, rule: Rule) -> str:
    """Return the line of the page's table for a rule."""
    return f"| `{name}` | {rule.over} | {rule.severity or 'error'} | {rule.why} |"


def test_the_table_is_that_of_the_built_in_rules() -> None:
    """Law: every built-in rule has its line, in order, and no line is of another."""
    lines = [line for line in PAGE.splitlines() if re.match(r"\| `[a-z0-9-]+` \| \w+ \| (error|warning) \|", line)]
    assert lines == [row(name, rule) for name, rule in built_in().items()]


def test_every_variable_and_key_is_explained() -> None:
    """Law: the page names every variable of a rule, every key of `policy`, and every key of a rule."""
    for name in {*sum(VARIABLES.values(), ()), *Policy.model_fields, *Rule.model_fields}:
        assert f"`{name}`" in PAGE, name


def test_the_worked_example_works() -> None:
    """Law: the page's example is an inventory's policy, and says what the page says that it does."""
    text, said = re.findall(r"```yaml\n(policy:.*?)```.*?```text\n(.*?)```", PAGE, re.DOTALL)[0]
    policy = Policy.model_validate(yaml.safe_load(text)["policy"])
    assert compile_findings(policy) == []
    objects = payload(changed("spec.template.spec.containers.0.image", "registry.example/vision/inference:latest"))
    found = judge(policy, facts(), objects, TODAY)
    assert [f"{one.rule}: {one.sentence}" for one in found] == said.splitlines()

"""The dashboard and the alert rules name metrics that there are, with labels that they have."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from metabrm.observability import exposing, heart, metrics
from tests.platform_room.conftest import ROOT

DOCS = ROOT / "docs"
_SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
}
#: Labels that Prometheus adds.
_ITS_OWN = {"job", "instance", "le"}


def known() -> dict[str, set[str]]:
    """Name of each series -> its labels."""
    found: dict[str, set[str]] = {}
    for metric in metrics.metrics_kept():
        for suffix in _SUFFIXES[metric._type]:
            found[metric._name + suffix] = set(metric._labelnames)
    heart.beat(heart.WORKER)
    for source in (exposing._parts, *metrics.sources()):
        for name, _, labels, _ in source():
            found[name] = set(labels)
    return found


def expressions() -> Iterator[str]:
    for group in yaml.safe_load((DOCS / "monitoring/alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
            assert rule["annotations"]["summary"] and rule["annotations"]["description"]
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
    dashboard: dict[str, Any] = json.loads((DOCS / "monitoring/grafana.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


@pytest.mark.django_db
def test_every_metric_that_is_named_exists_and_every_one_is_shown() -> None:
    there = known()
    named: set[str] = set()
    for expression in expressions():
        used = re.findall(r"(metabrm_\w+)(?:\{([^}]*)\})?", expression)
        assert used or 'up{job="metabrm"}' in expression, expression
        labels = {"job"}
        for name, selector in used:
            assert name in there, expression
            labels |= there[name]
            named.add(name)
            for label in re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector):
                assert label in there[name] | _ITS_OWN, expression
        for group in re.findall(r"by \(([^)]*)\)", expression):
            assert {g.strip() for g in group.split(",")} <= labels | _ITS_OWN, expression
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in there}
    assert families == {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}


@pytest.mark.django_db
def test_the_operators_guide_tells_of_every_metric() -> None:
    guide = (DOCS / "operators.md").read_text()
    rows = re.findall(r"^\| (`metabrm_[^|]*) \|", guide, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(metabrm_\w+)`", row)}
    assert told == {re.sub(r"_(bucket|sum|count)$", "", name) for name in known()}

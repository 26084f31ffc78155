"""Metrics as cards and names of published files state them, `rank1acc71`, and how two of them compare."""

from __future__ import annotations

import re
from typing import NamedTuple

from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlNode, YamlText, is_null
from mindspore_hub.hub.vocabulary import pairs, plain

_LETTER = r"A-Za-z\u0080-\u00b0\u00b2-\u2211\u2214-\uffff"
"""What are letters to Python and JSON Schema alike; the signs for plus-minus are none."""

_UNSIGNED = r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"

_UNIT = "(?:%|mos|m|d)?"

_PLUS_MINUS = r"(?:[±∓]|\+/-|\+-)\s*\.?"

_SPREAD = rf"(?:\s*{_PLUS_MINUS}{_UNSIGNED}|\s*\(\s*{_PLUS_MINUS}{_UNSIGNED}\s*{_UNIT}\s*\))"
"""How far a figure may be off, which says nothing about the figure itself."""

_INSIDE = (
    rf"(?:[0-9]+(?:@[0-9]+)?|@(?:[{_LETTER}]+=)?[0-9]+\.[0-9]+)"
    rf"[^,;|±∓0-9{_LETTER}]*[{_LETTER}][^,;|±∓0-9]*?"
)
"""A number that is part of a name, as in `rank1acc` or `mAP@0.5IoU`: letters follow it."""

_AT_END = (
    rf"(?:@(?:[{_LETTER}]+=)?[0-9]*\.?[0-9]+(?:[:-][0-9]*\.?[0-9]+)?(?:%|(?=[\s:]))"
    r"|(?:-|[Tt]op|[Rr]ank|BLEU|m?AP|\b[FPR])[0-9]+(?:-[0-9]+)?(?=[\s:]))"
)
"""A threshold that a name ends with, as in `TPR@FAR=1%` or `top5 92.1`."""

_NAME = (
    rf"(?![^0-9|]*\+/?-)"
    rf"(?:\s*FAR0\.1recall|(?:\s*[0-9]+\.[0-9]+(?=[{_LETTER}]))?[^,;|±∓0-9]*?(?:{_INSIDE})*?)"
)
"""A name has no figure of its own, so that two numbers in one segment are not a metric."""

_METRIC = pattern(
    rf"(?P<name>{_NAME}(?:{_AT_END})?)\s*(?P<colon>:?)\s*(?P<value>[-+]?{_UNSIGNED})"
    rf"(?P<unit>{_UNIT})(?:{_SPREAD}\s*(?P<late>{_UNIT}))?"
)
"""Shortest name, then a number and perhaps a unit: `acc1.72e-05` is acc = 1.72e-05."""

_FIGURE = rf"[-+]?{_UNSIGNED}{_UNIT}(?:{_SPREAD}\s*{_UNIT})?\s*"

NAMED_METRICS = (
    rf"(?:(?![\s:]*{_FIGURE}(?:\||$)){_NAME}(?:{_AT_END}[\s:]*)?{_FIGURE}(?:\|(?!\s*$)|$))+"
)
"""All of a value of `evaluation`, as JSON Schema takes it; none of its metrics lacks its name."""

_SPREAD_IN_TEXT = pattern(rf"\s*\(?\s*(?:[±∓]|\+/?-|&plusmn;|&#177;|\\pm)\s*\.?{_UNSIGNED}")

_NUMBER = pattern(
    r"(?:(?<![\w.])[-+\u2212])?(?:[0-9]+(?:\.[0-9]+)?|(?<![\w.])\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"
)

_PERCENTAGE = pattern(
    r"(?:.*acc(?:uracy)?|top[-_]?\d+|rank[-_]?\d+|m?ap(?:@?[.\d]+)?|.*m?iou|(?:macro|micro)?f1(?:score)?"
    r"|.*precision|.*recall|em|exactmatch|auc|dice)",
    re.IGNORECASE,
)

PLACEHOLDERS = frozenset({"no", "none", "null", "n/a", "na", "nan", "tbd", "todo", "unknown", "/"})
"""What stands in `evaluation` for the absence of any metric, in lower case."""

_RELEASE_FILE = pattern(
    r"(?P<model>.+?)_(?P<device>ascend|gpu|cpu)_v(?P<ver>\d+)_(?P<dataset>.+?)"
    r"_(?P<kind>official|research)_(?P<domain>[a-z]+)(?:_(?P<metrics>.+))?\.(?P<ext>[a-z]+)"
)
_TOOLKIT_FILE = pattern(r"(?P<model>.+)-(?P<prefix>[0-9a-f]{8,9})-(?P<chip>910v2)\.(?P<ext>[a-z]+)")

_LONGEST_NAME = 255
"""Longer ones are not file names, and would take the expressions above their time."""

_LONGEST_METRIC = 200
"""Longer texts are not metrics, and would take the expressions above their time."""

_LONGEST_VALUE = 5_000
"""No `evaluation` is longer; published ones have fewer than 200 characters."""

_NOWHERE = Place()

_USUAL = pattern(r"((?:[A-Za-z]+[0-9]+)?[A-Za-z]{2,})([0-9]+(?:\.[0-9]+)?)")
"""What nearly every metric looks like; its letters are neither exponent nor unit."""

_ACCURACIES = frozenset({"top1acc", "top1accuracy", "top1", "accuracy"})
"""Other names of `acc`."""


class Metric(NamedTuple):
    """One metric of `evaluation`, such as `rank1acc71`.

    `value` is its number as written, without how far it may be off, and `unit` is `%`, `m`, `d`, `mos`, or
    None. `text` is the segment as written; `colon` says whether one separates name and value.
    """

    name: str | None
    value: str
    unit: str | None
    text: str
    place: Place
    colon: bool

    @property
    def number(self) -> float:
        """Its value."""
        return float(self.value)

    @property
    def is_percentage(self) -> bool:
        """Whether its name is that of a share of 100, such as an accuracy."""
        return bool(self.name and _PERCENTAGE.fullmatch(self.name))


class FileName(NamedTuple):
    """What the name of a release file says."""

    model: str
    device: str
    version: str
    dataset: str
    kind: str
    domain: str
    metrics: str | None
    extension: str


class ToolkitFileName(NamedTuple):
    """What the name of a toolkit's file says."""

    model: str
    prefix: str
    chip: str
    extension: str


def parse_metric(segment: str, place: Place = _NOWHERE) -> Metric | None:
    """A metric from a segment of `evaluation`; None if it follows no grammar."""
    text = segment.strip()
    if len(text) > _LONGEST_METRIC:
        return None
    if usual := _USUAL.fullmatch(text):
        return Metric(usual[1], usual[2], None, text, place, colon=False)
    if not (match := _METRIC.fullmatch(text)):
        return None
    name, colon, value = match.group("name", "colon", "value")
    unit = match["unit"] or match["late"] or None
    return Metric(name.strip() or None, value, unit, text, place, bool(colon))


def parse_metrics(text: str) -> list[Metric]:
    """Metrics that a file name states, `rank1acc71_mAP68`; what is none begins the next name."""
    metrics: list[Metric] = []
    begun = ""
    for part in text.split("_"):
        metric = parse_metric(begun + part)
        begun = "" if metric else begun + part
        if metric:
            metrics.append(metric)
    return metrics


def parse_file_name(name: str) -> FileName | ToolkitFileName | None:
    """What the name of a published file says; None if it follows no published grammar."""
    if len(name) > _LONGEST_NAME:
        return None
    match = _RELEASE_FILE.fullmatch(name)
    if match:
        return FileName(*match.groups())
    match = _TOOLKIT_FILE.fullmatch(name)
    return ToolkitFileName(*match.groups()) if match else None


def parse_evaluation(node: YamlNode | None) -> tuple[list[Metric], list[tuple[str, Place]]]:
    """Metrics of a value of `evaluation`, and its segments that are none, with their places."""
    metrics: list[Metric] = []
    bad: list[tuple[str, Place]] = []
    if node is None or is_null(node):
        return metrics, bad
    if not isinstance(node, YamlText):
        return [], [("a list or mapping", node.place)]
    if len(node.text) > _LONGEST_VALUE:
        return [], [(f"{node.text[:40]}...", node.place)]
    column = node.place.column + (not node.plain)
    for segment in node.text.split("|"):
        skipped = len(segment) - len(segment.lstrip())
        place = Place(node.place.line, column + skipped)
        metric = parse_metric(segment, place)
        if metric:
            metrics.append(metric)
        elif node.text.strip():
            bad.append((segment.strip(), place))
        column += len(segment) + 1
    return metrics, bad


def numbers_in(text: str) -> list[str]:
    """Figures that a text states, without how far they may be off."""
    figures: list[str] = _NUMBER.findall(_SPREAD_IN_TEXT.sub("", text))
    return [figure.replace("\u2212", "-") for figure in figures]


def common_name(name: str) -> str:
    """What all spellings of a metric have in common; `top1acc` is `acc`, and misspellings count."""
    same = plain(pairs("metrics-misspelt").get(name, name))
    return "acc" if same in _ACCURACIES else same


def same_value(first: str, second: str) -> bool:
    """Whether two numbers are equal, or one is the other rounded to fewer digits."""
    if first == second:
        return True
    digits = min(_decimals(first), _decimals(second))
    return abs(float(first) - float(second)) <= 0.5 * 10.0**-digits + 1e-9


def _decimals(number: str) -> int:
    """Digits behind the point that are stated; those of `1.72e-05` are seven."""
    mantissa, _, exponent = number.lower().partition("e")
    digits = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return max(-_LONGEST_METRIC, min(digits, _LONGEST_METRIC))


class Comparison(NamedTuple):
    """Metrics that disagree, the card's first: different values of one, one value of different."""

    values: list[tuple[Metric, Metric]]
    names: list[tuple[Metric, Metric]]


def compare(stated: list[Metric], published: list[Metric]) -> Comparison:
    """Compare metrics of a card with those in the name of its file."""
    here, there = _by_common_name(stated), _by_common_name(published)
    others = [item for name in there.keys() - here.keys() for item in there[name]]
    found = Comparison([], [])
    for name, metrics in here.items():
        same = there.get(name, [])
        if _first_pair(metrics, same):
            continue
        renamed = _first_pair(metrics, others)
        if renamed:
            found.names.append(renamed)
        elif same:
            found.values.append((metrics[0], same[0]))
    return found


def _by_common_name(metrics: list[Metric]) -> dict[str, list[Metric]]:
    found: dict[str, list[Metric]] = {}
    for metric in metrics:
        if metric.name:
            found.setdefault(common_name(metric.name), []).append(metric)
    return found


def _first_pair(stated: list[Metric], published: list[Metric]) -> tuple[Metric, Metric] | None:
    """A metric of each list with the same value."""
    product = ((one, other) for one in stated for other in published)
    return next((pair for pair in product if same_value(pair[0].value, pair[1].value)), None)

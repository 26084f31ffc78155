"""Thresholds: how far the nearest image may be before the answer is nobody.

The terms are those of ISO/IEC 19795-1. A *comparison* of two images of one identity is mated, one of two
identities non-mated. The *false match rate* (FMR) is the share of non-mated comparisons whose distance is at
most the threshold, the *false non-match rate* (FNMR) that of mated comparisons whose distance is above it. A *DET
curve* (detection error trade-off) shows both for every threshold.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mindspore_hub import _files
from mindspore_hub._foreign import read_object
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.distances import Kind
from mindspore_hub.gallery.origin import require_alike

SCHEMA = 1
"""Version of the JSON."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Calibration:
    """A threshold, and what it was measured with.

    Attributes:
        threshold: A distance up to which two images are taken for one identity.
        threshold_interval: Where the threshold is that has the wanted rate among all identities.
        false_match_rate: The false match rate that was wanted.
        false_non_match_rate: The false non-match rate at the threshold, as measured.
        false_non_match_interval: Where that of all identities is.
        confidence: Probability that an interval holds what it is for.
        distance: `dot` or `euclidean`.
        counts: `identities`, `images`, `mated` and `non_mated` comparisons.
        about: What made the features, as plain JSON.
        det: `threshold`, `false_match_rate` and `false_non_match_rate` along the DET curve.
        histograms: `edges` of bins, and the counts of `mated` and `non_mated` distances in them.
    """

    threshold: float
    threshold_interval: Interval
    false_match_rate: float
    false_non_match_rate: float
    false_non_match_interval: Interval
    confidence: float
    distance: Kind
    counts: dict[str, int]
    about: dict[str, Any] = field(default_factory=dict)
    det: dict[str, list[float]] = field(default_factory=dict)
    histograms: dict[str, list[float]] = field(default_factory=dict)

    def is_match(self, distance: float) -> bool:
        """Whether two images at this distance are taken for one identity."""
        return distance <= self.threshold

    def require_made_of(self, about: Mapping[str, Any], *, name: str = "The features") -> None:
        """Refuse features that were made otherwise than those that were measured; FeaturesError."""
        require_alike(about, self.about, names=(name, "the calibration"), strict=False)

    def summary(self) -> dict[str, Any]:
        """What a report says of it: the threshold, and both rates with their intervals."""
        names = (
            *("threshold", "threshold_interval", "false_match_rate", "false_non_match_rate"),
            *("false_non_match_interval", "confidence", "distance", "counts"),
        )
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> str:
        """Everything as JSON."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=2)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as a JSON file; an existing one is replaced. Raises StoreError (an OSError)."""
        _files.replace(path, f"{self.to_json()}\n")

    def save_plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the DET curve, and histograms of mated and non-mated distances, with the threshold.

        Raises:
            FeaturesError: The name does not end in .png, .svg or .pdf.
            MissingDependencyError: Matplotlib is not installed.
            StoreError: The file cannot be written (an OSError).
        """
        from mindspore_hub.tasks.retrieval.report import check_plot, draw_calibration

        check_plot(path)
        draw_calibration(self, path)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Calibration:
        """Read what `save` wrote.

        Raises:
            FeaturesError: The file cannot be read, or is not one of a calibration.
        """
        try:
            facts = read_object(_files.read_regular(Path(path)))
            schema = facts.pop("schema", None)
            if schema == SCHEMA:
                for name in ("threshold_interval", "false_non_match_interval"):
                    low, high = facts[name]
                    facts[name] = (float(low), float(high))
                facts["threshold"] = float(facts["threshold"])
                return cls(**facts)
        except (OSError, ValueError, TypeError, KeyError) as error:
            msg = f"{path} cannot be read as a calibration: {error}. `mshub calibrate` writes one."
            raise FeaturesError(msg) from error
        msg = f"{path} has the schema {schema}, but this version reads {SCHEMA}; update mindspore-hub."
        raise FeaturesError(msg)

"""Published MindSpore networks by name.

>>> import mindspore_hub
>>> net = mindspore_hub.load("MVD")

The module and function names are those of the upstream client, so that code written for it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mindspore_hub.authoring.publish import Publication, publish
from mindspore_hub.errors import (
    AmbiguousNameError,
    BusyError,
    CardError,
    CheckpointError,
    ClusterError,
    DatasetError,
    ExportError,
    FeaturesError,
    HubError,
    IntegrityError,
    InternalError,
    MissingDependencyError,
    MissingFactsError,
    NetworkError,
    OfflineError,
    OutputError,
    PictureError,
    RequestError,
    SettingsError,
    StoreError,
    TrustError,
    UnknownNameError,
)
from mindspore_hub.info import CellInfo, info
from mindspore_hub.list import hub_list
from mindspore_hub.load import download, fit, load, load_weights
from mindspore_hub.manage import get_hub_dir, set_hub_dir
from mindspore_hub.tasks.pictures import transforms
from mindspore_hub.version import __version__

if TYPE_CHECKING:
    from mindspore_hub.gallery.features import Features
    from mindspore_hub.gallery.gallery import Gallery
    from mindspore_hub.hub.search import PublishedFile, search
    from mindspore_hub.networks.bare import Fitted
    from mindspore_hub.tasks.classification import classify
    from mindspore_hub.tasks.classification.predictions import Predictions
    from mindspore_hub.tasks.evaluation import evaluate
    from mindspore_hub.tasks.pictures.preprocess import Transform
    from mindspore_hub.tasks.report import Report
    from mindspore_hub.tasks.retrieval import calibrate, embed, match, merge_parts
    from mindspore_hub.tasks.retrieval.calibration import Calibration
    from mindspore_hub.tasks.retrieval.matches import Matches
    from mindspore_hub.tasks.retrieval.training import finetune
    from mindspore_hub.tasks.retrieval.training.run import Finetuned

__all__ = [
    "AmbiguousNameError",
    "BusyError",
    "Calibration",
    "CardError",
    "CellInfo",
    "CheckpointError",
    "ClusterError",
    "DatasetError",
    "ExportError",
    "Features",
    "FeaturesError",
    "Finetuned",
    "Fitted",
    "Gallery",
    "HubError",
    "IntegrityError",
    "InternalError",
    "Matches",
    "MissingDependencyError",
    "MissingFactsError",
    "NetworkError",
    "OfflineError",
    "OutputError",
    "PictureError",
    "Predictions",
    "Publication",
    "PublishedFile",
    "Report",
    "RequestError",
    "SettingsError",
    "StoreError",
    "Transform",
    "TrustError",
    "UnknownNameError",
    "__version__",
    "calibrate",
    "classify",
    "download",
    "embed",
    "evaluate",
    "finetune",
    "fit",
    "get_hub_dir",
    "hub_list",
    "info",
    "load",
    "load_weights",
    "match",
    "merge_parts",
    "publish",
    "search",
    "set_hub_dir",
    "transforms",
]


def __getattr__(name: str) -> Any:
    """Import what a task offers, or a type that needs NumPy, which does not come with the package."""
    from importlib import import_module

    from mindspore_hub.tasks import required_by

    module = None if name.startswith("_") else _on_demand().get(name)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    with required_by(f"mindspore_hub.{name}"):
        return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_on_demand()})


def _on_demand() -> dict[str, str]:
    """Module of each name that is imported when somebody asks for it."""
    from mindspore_hub.tasks.registry import public_names

    return {
        "Features": "mindspore_hub.gallery.features",
        "Fitted": "mindspore_hub.networks.bare",
        "Gallery": "mindspore_hub.gallery.gallery",
        "PublishedFile": "mindspore_hub.hub.search",
        "Report": "mindspore_hub.tasks.report",
        "Transform": "mindspore_hub.tasks.pictures.preprocess",
        "evaluate": "mindspore_hub.tasks.evaluation",
        "search": "mindspore_hub.hub.search",
        **public_names(),
    }

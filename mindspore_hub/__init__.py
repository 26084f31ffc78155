"""Published MindSpore networks by name.

>>> import mindspore_hub
>>> net = mindspore_hub.load("MVD")

The module and function names are those of the upstream client, so that code written for it runs.
"""

from mindspore_hub.authoring.publishing import publish
from mindspore_hub.errors import (
    AmbiguousNameError,
    CardError,
    CheckpointError,
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
    SettingsError,
    StoreError,
    TrustError,
    UnknownNameError,
)
from mindspore_hub.info import CellInfo, info
from mindspore_hub.list import hub_list
from mindspore_hub.load import download, load, load_weights
from mindspore_hub.manage import get_hub_dir, set_hub_dir
from mindspore_hub.tasks.pictures.transforms import transforms
from mindspore_hub.tasks.retrieval.embed import embed
from mindspore_hub.tasks.retrieval.evaluate import evaluate
from mindspore_hub.tasks.retrieval.match import match
from mindspore_hub.version import __version__

__all__ = [
    "AmbiguousNameError",
    "CardError",
    "CellInfo",
    "CheckpointError",
    "DatasetError",
    "ExportError",
    "FeaturesError",
    "HubError",
    "IntegrityError",
    "InternalError",
    "MissingDependencyError",
    "MissingFactsError",
    "NetworkError",
    "OfflineError",
    "OutputError",
    "PictureError",
    "SettingsError",
    "StoreError",
    "TrustError",
    "UnknownNameError",
    "__version__",
    "download",
    "embed",
    "evaluate",
    "get_hub_dir",
    "hub_list",
    "info",
    "load",
    "load_weights",
    "match",
    "publish",
    "set_hub_dir",
    "transforms",
]

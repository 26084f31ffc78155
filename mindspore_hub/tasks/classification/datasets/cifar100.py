"""CIFAR-100: 10,000 test pictures of 100 classes, which are the fine labels of its records."""

from __future__ import annotations

from dataclasses import dataclass

from mindspore_hub.tasks.classification.datasets._cifar import PAGE, Cifar
from mindspore_hub.tasks.datasets import Source


@dataclass(frozen=True)
class Cifar100(Cifar):
    """The test pictures of CIFAR-100.

    Args:
        root: Folder with `cifar-100-binary/` or `cifar-100-python/`, or one of these.
    """

    NAME = "cifar100"
    SOURCE = Source("CIFAR-100", PAGE, "cifar-100-binary/test.bin or cifar-100-python/test")
    BINARY = ("cifar-100-binary/test.bin", "test.bin")
    PYTHON = ("cifar-100-python/test", "test")
    LABELS = 2
    KEY = "fine_labels"


DATASET = Cifar100

"""CIFAR-10: 10,000 test pictures of 10 classes."""

from __future__ import annotations

from dataclasses import dataclass

from mindspore_hub.tasks.classification.datasets._cifar import PAGE, Cifar
from mindspore_hub.tasks.datasets import Source


@dataclass(frozen=True)
class Cifar10(Cifar):
    """The test pictures of CIFAR-10.

    Args:
        root: Folder with `cifar-10-batches-bin/` or `cifar-10-batches-py/`, or one of these.
    """

    NAME = "cifar10"
    SOURCE = Source(
        "CIFAR-10", PAGE, "cifar-10-batches-bin/test_batch.bin or cifar-10-batches-py/test_batch"
    )
    BINARY = ("cifar-10-batches-bin/test_batch.bin", "test_batch.bin")
    PYTHON = ("cifar-10-batches-py/test_batch", "test_batch")
    LABELS = 1
    KEY = "labels"


DATASET = Cifar10

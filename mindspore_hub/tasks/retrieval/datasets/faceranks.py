"""Faces that have to be more alike than any of many distractors.

Source: research/cv/FaceRecognition (branches r1.3 to r1.10). Its data are not published; it calls the
two images of a person `jk` and `zj`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.datasets import Source
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item, labelled
from mindspore_hub.tasks.retrieval.faces import rank_among_distractors

SOURCE = Source(
    "The evaluation of FaceRecognition",
    "its data were never published, so you need lists and pictures of your own",
    "lists/jk_list.txt, lists/zj_list.txt and lists/dis_list.txt with lines `PATH NUMBER`, and the "
    "images of these, below test_dataset/ and dis_dataset/",
)


@dataclass(frozen=True)
class FaceRanks(Dataset):
    """One side of each person is the queries, the other and the distractors are the gallery.

    Args:
        root: Folder that holds `lists/`, `test_dataset/` and `dis_dataset/`.
    """

    def queries(self) -> list[Item]:
        """Images of `jk_list.txt`, in its order."""
        items = self._items("jk", "test_dataset")
        alone = {item.label for item in items} - {
            i.label for i in self._items("zj", "test_dataset")
        }
        if alone:
            msg = (
                f"{self.root / 'lists' / 'zj_list.txt'} lacks the person {min(alone)} of jk_list.txt; "
                "every person there needs an image in both."
            )
            raise DatasetError(msg)
        return SOURCE.present(self.root, items)

    def gallery(self) -> list[Item]:
        """Images of `zj_list.txt`, and those of `dis_list.txt`, whose label is -1."""
        others = [replace(item, label=-1) for item in self._items("dis", "dis_dataset")]
        return SOURCE.present(self.root, [*self._items("zj", "test_dataset"), *others])

    def _items(self, part: str, folder: str) -> list[Item]:
        rows = SOURCE.parsed(self.root / "lists" / f"{part}_list.txt", labelled, "path number")
        return [replace(item, path=f"{folder}/{item.path}") for item in rows]


@dataclass(frozen=True)
class FaceRanksProtocol:
    """Rank-1 among distractors. Other persons do not compete, and a tie is lost."""

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features; gallery items with a negative label are the distractors."""
        gallery = metrics.needed(gallery)
        labels = gallery.known("labels")
        distractor = labels < 0
        if not distractor.any():
            msg = (
                "The gallery has no distractors, whose label is negative; this protocol needs some."
            )
            raise FeaturesError(msg)
        zj2jk, jk2zj = rank_among_distractors(
            query.vectors,
            gallery.vectors[~distractor],
            gallery.vectors[distractor],
            (query.known("labels"), labels[~distractor]),
        )
        return metrics.Result(
            "faceranks",
            asdict(self),
            {"rank1": (zj2jk + jk2zj) / 2, "rank1_zj2jk": zj2jk, "rank1_jk2zj": jk2zj},
            {
                "queries": len(query),
                "gallery": int((~distractor).sum()),
                "distractors": int(distractor.sum()),
            },
        )


DATASET, PROTOCOL = FaceRanks, FaceRanksProtocol

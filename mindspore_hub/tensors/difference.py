"""How the values of two files of tensors differ, in memory that does not grow with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors.entry import LISTED, STRING, Entry, arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mindspore_hub.tensors import TensorFile


@dataclass
class Values:
    """How the elements of two tensors of one dtype and shape differ.

    Two NaN are equal, and so are 0 and -0. Where one of two is NaN (`nan`), the elements differ, but not
    by a number. `largest` is the largest |a - b| of numbers, `scale` the largest finite |a|.
    """

    elements: int = 0
    differing: int = 0
    nan: int = 0
    largest: float = 0.0
    scale: float = 0.0

    @property
    def relative(self) -> float:
        """`largest` in terms of `scale`; infinite where `scale` is 0."""
        if not self.largest:
            return 0.0
        return self.largest / self.scale if self.scale else math.inf

    @property
    def share(self) -> float:
        """Share of the elements that differ."""
        return self.differing / self.elements if self.elements else 0.0


@dataclass(frozen=True)
class Change:
    """A tensor of both files that is another one in the second; no values for other shapes or dtypes."""

    name: str
    left: Entry
    right: Entry
    values: Values | None = None

    @property
    def kind(self) -> str:
        """What differs: `dtype`, `shape`, `values` or `text`."""
        if self.left.dtype != self.right.dtype:
            return "dtype"
        if self.left.shape != self.right.shape:
            return "shape"
        return "text" if self.values is None else "values"


@dataclass
class Comparison:
    """How two files differ: names in one of them only, tensors that differ, and how many are equal."""

    only_left: list[str] = field(default_factory=list)
    only_right: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    equal: int = 0

    def __bool__(self) -> bool:
        return bool(self.only_left or self.only_right or self.changes)


@dataclass(frozen=True)
class Named:
    """A file under the names by which it is compared: each, and the name in the file."""

    index: TensorFile
    names: Mapping[str, str]

    def entry(self, name: str) -> Entry:
        """The tensor of that name."""
        return self.index.entries[self.names[name]]

    def arrays(self, name: str) -> Iterator[NDArray[Any]]:
        """Its elements, block by block."""
        return arrays(self.index.buffer, self.entry(name))


def compare(left: Named, right: Named) -> Comparison:
    """Compare two files tensor by tensor; differences are relative to the values of the first."""
    result = Comparison(
        only_left=[name for name in left.names if name not in right.names],
        only_right=[name for name in right.names if name not in left.names],
    )
    for name in (name for name in left.names if name in right.names):
        change = _compare_tensor(name, left, right)
        if change:
            result.changes.append(change)
        else:
            result.equal += 1
    return result


def _compare_tensor(name: str, left: Named, right: Named) -> Change | None:
    one, other = left.entry(name), right.entry(name)
    change = Change(name, one, other)
    if one.dtype == other.dtype == STRING:
        texts = left.index.array(one.name), right.index.array(other.name)
        return None if texts[0] == texts[1] else change
    if str(one) != str(other):
        return change
    if one.dtype in LISTED:
        msg = (
            f"the entry {name} has the type {one.dtype} in both files, whose values are not compared "
            "here; save both as another type, such as float32."
        )
        raise CheckpointError(msg)
    values = Values(elements=math.prod(one.shape))
    for block, against in zip(left.arrays(name), right.arrays(name), strict=True):
        _add(values, block, against, one.dtype)
    return Change(name, one, other, values) if values.differing else None


def _add(values: Values, left: NDArray[Any], right: NDArray[Any], dtype: str) -> None:
    if dtype == "bfloat16":
        left, right = _widen(left), _widen(right)
    if left.dtype.kind == "f":
        _add_floats(values, left, right)
    else:
        _add_integers(values, left, right)


def _widen(bits: NDArray[Any]) -> NDArray[Any]:
    """Numbers of bfloat16: the upper halves of float32."""
    import numpy as np

    return (bits.astype(np.uint32) << 16).view(np.float32)


def _add_floats(values: Values, left: NDArray[Any], right: NDArray[Any]) -> None:
    import numpy as np

    finite = np.abs(left[np.isfinite(left)])
    values.scale = max(values.scale, float(finite.max(initial=0)))
    nan = np.isnan(left), np.isnan(right)
    differ = (left != right) & ~(nan[0] & nan[1])
    values.differing += int(differ.sum())
    values.nan += int((nan[0] ^ nan[1]).sum())
    numbers = differ & ~nan[0] & ~nan[1]
    with np.errstate(over="ignore"):
        apart = np.abs(left[numbers].astype(np.float64) - right[numbers].astype(np.float64))
    values.largest = max(values.largest, float(apart.max(initial=0)))


def _add_integers(values: Values, left: NDArray[Any], right: NDArray[Any]) -> None:
    """Exactly, by arithmetic modulo 2**64: float64 takes large neighbours for one number."""
    import numpy as np

    unsigned = left.astype(np.uint64), right.astype(np.uint64)
    apart = np.where(left > right, unsigned[0] - unsigned[1], unsigned[1] - unsigned[0])
    size = np.where(left < 0, 0 - unsigned[0], unsigned[0]) if left.dtype.kind == "i" else left
    values.scale = max(values.scale, int(size.max(initial=0)))
    values.differing += int((left != right).sum())
    values.largest = max(values.largest, int(apart.max(initial=0)))

"""Fine-tuning on pictures of one's own: from a folder to a checkpoint that `load` takes, and its note.

`data` splits the pictures by identity, `batches` draws and augments them, `losses` and `step` train,
`snapshots` and `report` keep what a run goes on from and what is said of it; `run` is the walk.
Importing this package alone needs neither NumPy nor MindSpore.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.tasks import required_by

if TYPE_CHECKING:
    from mindspore_hub._progress import Progress
    from mindspore_hub.tasks.pictures import AnyHub
    from mindspore_hub.tasks.retrieval.training.run import Finetuned


def finetune(
    name: str,
    images: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    pattern: str,
    pretrained: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    plot: str | os.PathLike[str] | None = None,
    tensorboard: str | os.PathLike[str] | None = None,
    skip_bad: bool = False,
    force: bool = False,
    heatmaps: Any = None,
    segments: Any = None,
    keypoints: Any = None,
    hub: AnyHub = None,
    trust: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Finetuned:
    r"""Fine-tune the network of a card on pictures of identities, some of which are held out.

    A call that was interrupted goes on where its last snapshot is, in a folder `<output>.partial`, if it is
    given the same again; on a CPU, its weights are then the same, bit for bit, as without the interruption.

    Args:
        name: Any name that `mindspore_hub.load` takes; its card is for the task `retrieval`.
        images: A folder of pictures, as of `embed`.
        output: The checkpoint to write: the one with the best mAP of the held-out identities. Beside it
            are written `<output>.json`, the note; `<output>.jsonl`, the log, one line per step; and the
            checkpoint after the last step, with `.last` before its ending.
        pattern: As of `embed`, such as `(?P<label>-?\\d+)_c(?P<camera>\\d+)`. With cameras, a picture of
            an identity by the camera of the query is no match, as in most protocols.
        pretrained: Begin with the published checkpoint; otherwise with initial values.
        checkpoint: Begin with a file of yours, as of `load`.
        plot: Picture of loss and metrics to write, as .png, .svg or .pdf.
        tensorboard: Folder to write events for TensorBoard to.
        skip_bad: Leave out pictures that cannot be read, with a warning, instead of failing.
        force: Begin anew where an earlier call with other arguments left snapshots, and remove them.
        heatmaps: As of `embed`.
        segments: As of `embed`.
        keypoints: As of `embed`.
        hub: As of `load`.
        trust: As of `load`.
        progress: Called with the steps that are done and all; by default, it is a bar on a terminal.
        **options: Attributes of `Options` in `tasks/retrieval/training/options.py`: `steps`,
            `identities`, `pictures`, `holdout`, `learning_rate`, `seed` and more.

    Returns:
        The paths, what was measured before and after, and the note.

    Raises:
        TypeError: There is no such option.
        SettingsError: An option has a value that means nothing, or training diverged (a ValueError).
        DatasetError: Labels are missing or contradict each other, or there are too few identities (an
            OSError).
        PictureError: A picture cannot be read (a ValueError).
        StoreError: An output cannot be written, or another run left its snapshots there (an OSError).
        HubError: As in `load`.
    """
    with required_by("Fine-tuning"):
        from mindspore_hub.tasks.pictures.samples import list_samples
        from mindspore_hub.tasks.retrieval.report import check_plot
        from mindspore_hub.tasks.retrieval.training.options import Options
        from mindspore_hub.tasks.retrieval.training.run import Finetuning, require_text
    chosen = Options.of(options)
    if plot is not None:
        check_plot(plot)
    if checkpoint is not None and not pretrained:
        msg = "checkpoint= says what to begin with; leave out pretrained=False."
        raise ValueError(msg)
    finetuning = Finetuning(
        name,
        chosen,
        pretrained=pretrained,
        checkpoint=Path(checkpoint) if checkpoint is not None else None,
        skip_bad=skip_bad,
        hub=hub,
        trust=trust,
        progress=progress,
    )
    pictures = list_samples(
        require_text(images), heatmaps=heatmaps, segments=segments, keypoints=keypoints
    )
    return finetuning.run(
        pictures,
        pattern,
        Path(output),
        plot=Path(plot) if plot is not None else None,
        tensorboard=Path(tensorboard) if tensorboard is not None else None,
        force=force,
    )

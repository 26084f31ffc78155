"""The command `mshub serve`. What it needs, it imports when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count
from mindspore_hub.commands._options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    batch_size_option,
    calibration_option,
    checkpoint_option,
    hub_option,
    runtime_options,
)
from mindspore_hub.commands._output import echo

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.serving.limits import Limits
    from mindspore_hub.serving.service import Service


@click.command()
@click.argument("name", required=False)
@click.option(
    "--gallery", metavar="FILE|DIR", help="What is searched: an npz file or a LanceDB folder."
)
@calibration_option
@click.option(
    "--root", type=EXISTING_FOLDER, help="Folder of the gallery's pictures, if it was moved."
)
@click.option("--writable", is_flag=True, help="Let clients add and remove rows of the gallery.")
@click.option("--demo", is_flag=True, help="Serve MVD and the pictures that come with the package.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen to.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option(
    "--token-file",
    type=EXISTING_FILE,
    help="Holds what clients have to send as `Authorization: Bearer TOKEN`, in place of MSHUB_TOKEN. "
    "Required unless only this machine is served.",
)
@batch_size_option(8)
@click.option(
    "--latency",
    type=click.FloatRange(0.01, 600),
    default=2.0,
    show_default=True,
    help="Seconds within which a picture's feature is there; what would take longer is answered 503.",
)
@click.option(
    "--queue",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Pictures that may be in work at a time.",
)
@click.option(
    "--max-body",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="MiB of a request.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Millions of pixels of a picture.",
)
@click.option(
    "--max-pictures",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Pictures of a request.",
)
@checkpoint_option
@runtime_options
@hub_option(trust=True)
def serve(
    name: str | None,
    demo: bool,
    host: str,
    port: int,
    token_file: Path | None,
    hub: Hub,
    **options: Any,
) -> None:
    """Serve features of network NAME, and searches in a gallery, over HTTP.

    The Open Inference Protocol is at /v2, the search at /search, and a page for browsers at /.
    docs/service.md describes all of it, and how to run it as a service.
    """
    from mindspore_hub.serving.start import require_server
    from mindspore_hub.tasks import required_by

    others = ("gallery", "calibration", "root", "writable", "checkpoint", "runtime", "threads")
    given = {key for key in others if options[key]}
    if (demo and (name or given)) or not (demo or name):
        msg = (
            "Give the NAME of a network, or --demo without NAME, --gallery and what belongs to it."
        )
        raise click.UsageError(msg)
    require_server()
    with required_by("Serving"):
        from mindspore_hub.serving.server import listen, read_token, require_token, run
    token = read_token(token_file)
    require_token(host, token)
    limits = _limits(options)
    with listen(
        host, port
    ) as listener:  # so that a port in use is known before the network is loaded
        own_port = listener.getsockname()[1]
        with _demo(limits) if demo else _opened(name or "", hub, limits, options) as service:
            _say(service, f"[{host}]" if ":" in host else host, own_port)
            run(service, listener, token=token)
    echo("mshub: stopped", err=True)


def _limits(options: dict[str, Any]) -> Limits:
    """Bounds of the options, which are taken out."""
    from mindspore_hub.serving.limits import MIB, Limits

    return Limits(
        body=options.pop("max_body") * MIB,
        pictures=options.pop("max_pictures"),
        pixels=options.pop("max_pixels") * 1_000_000,
        queue=options.pop("queue"),
        batch=options.pop("batch_size"),
        latency=options.pop("latency"),
    )


@contextmanager
def _opened(name: str, hub: Hub, limits: Limits, options: dict[str, Any]) -> Iterator[Service]:
    from mindspore_hub.serving.start import open_service

    yield open_service(name, hub=hub, limits=limits, **options)


@contextmanager
def _demo(limits: Limits) -> Iterator[Service]:
    """MVD with a gallery of the bundled pictures: three people, before two cameras each."""
    from mindspore_hub.commands.demo import MODEL, SAMPLES, load_network
    from mindspore_hub.gallery.gallery import Gallery
    from mindspore_hub.serving.service import Service
    from mindspore_hub.tasks.pictures.samples import list_samples
    from mindspore_hub.tasks.retrieval.embedding import Embedding

    network = load_network(lambda line: echo(line, err=True))
    embedding = Embedding(MODEL, network=network)
    pictures = list_samples(SAMPLES)
    names = [Path(sample.path).stem.rpartition("-") for sample in pictures.samples]
    people = sorted({person for person, _, _ in names})
    known = {
        "labels": [people.index(person) + 1 for person, _, _ in names],
        "cameras": [1 if kind == "visible" else 3 for _, _, kind in names],
    }
    with TemporaryDirectory(prefix="mshub-serve-") as folder:
        gallery = Gallery.create(Path(folder) / "demo.npz")
        gallery.add(embedding.features(pictures, known=known))
        yield Service(embedding, gallery, limits=limits)


def _say(service: Service, host: str, port: int) -> None:
    """Where the server is to be found, and what it has."""
    rows = "no gallery" if service.gallery is None else f"{count(len(service.gallery), 'row')}"
    page = "the page" if service.gallery is not None else "/v2"
    echo(
        f"{service.uid}, {rows}; batches of up to {service.batcher.size}. "
        f"Open http://{host}:{port}/ for {page}; Ctrl-C stops.",
        err=True,
    )

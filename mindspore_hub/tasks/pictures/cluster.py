"""A run whose batches are computed by other processes: those of a Dask cluster, or some on this machine.

The batches are those of a run in one process, and every worker is held to what that run would have used:
the same versions, weights and preparation, and the same pictures. So its rows are the same. What Dask's
scheduler sees are bytes; only workers need this package.
"""

from __future__ import annotations

import logging
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mindspore_hub.errors import (
    ClusterError,
    HubError,
    MissingDependencyError,
    NetworkError,
    PictureError,
)
from mindspore_hub.settings import shown_address
from mindspore_hub.tasks.pictures.samples import Sample, Samples
from mindspore_hub.tasks.pictures.worker import Job, Recipe

if TYPE_CHECKING:
    from distributed import Client, Future

    from mindspore_hub.tasks.pictures.chunks import Chunk

_PORT = 8786
"""Of Dask's scheduler, unless somebody says another one."""

_MOST = 16
"""Batches that a worker takes at once, which is what is lost with it."""

_TURNS = 8
"""How often each worker takes some, at least; so the last one is not waited for long."""

_CONNECT = 15.0
"""Seconds in which a scheduler answers."""

_LOOK = 5.0
"""Seconds after which it is looked at who is still there."""

_EXAMPLES = "such as dask://host:8786 or local:4"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Engine:
    """Where batches are computed: by the workers of the scheduler at an address, or by processes here."""

    address: str = ""
    processes: int = 0

    @classmethod
    def of(cls, text: str) -> Engine:
        """Read `dask://HOST[:PORT]` or `local:PROCESSES`; a PictureError for all else."""
        kind, _, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
        if kind == "local" and re.fullmatch(r"[0-9]{1,4}", rest) and int(rest):
            return cls(processes=int(rest))
        if kind == "dask":
            return cls(address=_address(text))
        shown = shown_address(text) if isinstance(text, str) else repr(text)
        msg = f"{shown!r} is no place to compute on; write dask://HOST:PORT or local:PROCESSES, {_EXAMPLES}."
        raise PictureError(msg)

    def compute(
        self,
        recipe: Recipe,
        about: Mapping[str, Any],
        samples: Sequence[Sample],
        batches: Sequence[Sequence[int]],
    ) -> Generator[Chunk]:
        """Rows of batches of samples, in any order.

        Args:
            recipe: What makes a worker's runner.
            about: What makes the rows here, which has to be the same there.
            samples: All pictures of the run.
            batches: Numbers of the samples of each batch that is wanted.

        Raises:
            NetworkError: The scheduler cannot be reached, or is gone.
            ClusterError: A worker lacks what it takes, or workers are lost again and again.
            HubError: As in the run in one process.
        """
        if not batches:
            return
        _require_files(samples)
        with _quiet(), self._client() as (client, is_alive):
            yield from _Work(client, is_alive, recipe, about, samples).of(batches)

    @contextmanager
    def _client(self) -> Iterator[tuple[Client, Callable[[], bool]]]:
        """A client, and what says whether workers may still come."""
        try:
            import distributed
        except ImportError as error:
            msg = (
                f"Computing on {self} needs Dask ({error}); `pip install 'mindspore-hub[dask]'`, "
                "here and where the workers are."
            )
            raise MissingDependencyError(msg) from error
        with ExitStack() as stack:
            address, is_alive = self.address, lambda: True
            if self.processes:
                address, is_alive = stack.enter_context(_processes(self.processes))
            try:
                client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
            except Exception as error:  # of sockets, TLS, and of what is no scheduler
                msg = (
                    f"No Dask scheduler answers at {self}: {error}. Start one (`dask scheduler`), or "
                    "correct the address."
                )
                raise NetworkError(msg) from error
            yield stack.enter_context(client), is_alive

    def __str__(self) -> str:
        return f"dask://{self.address}" if self.address else f"local:{self.processes}"


def _address(text: str) -> str:
    """Host and port of an address, for Dask; what it says of TLS is in its own configuration."""
    msg = (
        f"{shown_address(text)!r} is not the address of a Dask scheduler; write dask://HOST:PORT, "
        f"such as dask://host:{_PORT}."
    )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise PictureError(msg) from error
    more = parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment
    if not host or more or port == 0 or re.search(r"\s", text):
        raise PictureError(msg)
    return f"{f'[{host}]' if ':' in host else host}:{port or _PORT}"


def _require_files(samples: Sequence[Sample]) -> None:
    for number, sample in enumerate(samples):
        if not sample.path:
            msg = f"Workers read files, but picture {number} is not one; write it to a file."
            raise PictureError(msg)


class _Work:
    """The jobs of a run, a few for each worker at a time."""

    def __init__(
        self,
        client: Client,
        is_alive: Callable[[], bool],
        recipe: Recipe,
        about: Mapping[str, Any],
        samples: Sequence[Sample],
    ) -> None:
        self._client = client
        self._is_alive = is_alive
        self._recipe = recipe
        self._about = about
        self._samples = samples
        self._missed = 0

    def of(self, batches: Sequence[Sequence[int]]) -> Iterator[Chunk]:
        """Rows of these batches."""
        from distributed import CancelledError, wait

        waiting = list(reversed(batches))
        pending: set[Future[Any]] = set()
        try:
            while waiting or pending:
                workers = self._workers()
                size = max(1, min(_MOST, len(batches) // (_TURNS * max(workers, 1))))
                while waiting and len(pending) < 2 * max(workers, 1):
                    taken = [waiting.pop() for _ in range(min(size, len(waiting)))]
                    pending.add(self._submit([number for batch in taken for number in batch]))
                try:
                    with self._client.as_current():
                        done = wait(pending, timeout=_LOOK, return_when="FIRST_COMPLETED").done
                except TimeoutError:
                    continue
                for future in done:
                    pending.remove(future)
                    yield from _result(future)
        except CancelledError as error:
            msg = (
                "The Dask scheduler is gone, or has given up this run. What was computed is kept beside the "
                "output; the same call goes on from there."
            )
            raise NetworkError(msg) from error
        finally:
            if pending and self._client.status == "running":
                self._client.cancel(list(pending), force=True)

    def _submit(self, numbers: list[int]) -> Future[Any]:
        samples = {number: self._samples[number] for number in numbers}
        states = Samples(None, list(samples.values())).states()
        job = Job(self._recipe, self._about, len(self._samples), samples, states)
        return self._client.submit(_portable(), pickle.dumps(job), pure=False)

    def _workers(self) -> int:
        """How many workers there are; that there is none is said once."""
        found = len(self._client.nthreads()) if self._client.status == "running" else 0
        if not self._is_alive():
            msg = (
                "All processes that computed here have ended; the system may have ended them for want of "
                "memory. What was computed is kept beside the output: go on with fewer, or with smaller batches."
            )
            raise ClusterError(msg)
        self._missed = 0 if found else self._missed + 1
        if self._missed == 2:  # the second look; processes here take a moment to start
            logger.warning("The cluster has no worker now; waiting for one.")
        return found


def _portable() -> Callable[[bytes], Any]:
    """The function of a job, which travels as it is: a function of a module would travel as its name."""

    def run(payload: bytes) -> Any:
        import socket

        try:
            from mindspore_hub.tasks.pictures.worker import answer
        except ImportError as error:
            return f"{socket.gethostname()}: {error}"
        return answer(payload)

    return run


def _result(future: Future[Any]) -> list[Chunk]:
    """What a worker made; an error of the package is raised as such."""
    from distributed.scheduler import KilledWorker

    try:
        made = future.result()
    except KilledWorker as error:
        msg = (
            f"{error.allowed_failures + 1} workers were lost, one after another, over the same pictures; "
            "they may want for memory: give them more, or choose smaller batches. What was computed is "
            "kept beside the output, and the same call goes on from there."
        )
        raise ClusterError(msg) from error
    if isinstance(made, str):
        msg = (
            f"A worker lacks this package ({made}); install there what is here: "
            "pip install 'mindspore-hub[dask,mindspore]'."
        )
        raise ClusterError(msg)
    if isinstance(made, HubError):
        raise made
    chunks: list[Chunk] = made
    return chunks


@contextmanager
def _processes(count: int) -> Iterator[tuple[str, Callable[[], bool]]]:
    """A scheduler in this process with so many workers beside it, which end with the block.

    They are started by command: what Dask starts by itself would run the main module of the user again.
    """
    from distributed import LocalCluster

    with ExitStack() as stack:
        cluster = stack.enter_context(
            LocalCluster(
                n_workers=0,
                host="127.0.0.1",
                protocol="tcp",
                dashboard_address=None,
                processes=False,
            )
        )
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mshub-"))
        command = [
            *(sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address),
            *("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"),
            *("--host", "127.0.0.1", "--local-directory", folder, "--death-timeout", "60"),
        ]
        processes = [stack.enter_context(_process(command, Path(folder))) for _ in range(count)]
        yield (
            cluster.scheduler_address,
            lambda: any(process.poll() is None for process in processes),
        )


@contextmanager
def _process(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, so that Ctrl-C is for this one to obey."""
    with (folder / "workers.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.kill()  # it holds nothing that is not here
        process.wait()


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave to errors of this package what Dask would say of lost connections."""
    log = logging.getLogger("distributed")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)

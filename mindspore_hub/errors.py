"""Every exception of the package.

Each is a `HubError` and also the built-in that callers of the upstream client already catch.
`exit_code` is what the `mshub` command ends with when the error reaches it.
"""


class HubError(Exception):
    """Something the caller can act on; the message says what, where, expected and what to do."""

    exit_code = 1


class SettingsError(HubError, ValueError):
    """A variable of the environment has a value that means nothing."""

    exit_code = 2


class CardError(HubError, ValueError):
    """A model card cannot be read, or lacks what loading its model needs."""


class MissingFactsError(CardError):
    """A card cannot be written, because facts about it are missing."""

    exit_code = 2


class CheckpointError(HubError, ValueError):
    """A checkpoint cannot be parsed, or does not fit the network strictly."""


class PictureError(HubError, ValueError):
    """A picture cannot be read, or is not of the kind that a network takes."""


class ExportError(HubError, RuntimeError):
    """A network cannot be written in a format, or computes something else there."""


class UnknownNameError(HubError, ValueError):
    """A name, uid, URL or path names no card, or a name no protocol or data set."""

    exit_code = 3


class AmbiguousNameError(HubError, ValueError):
    """A name fits several cards."""

    exit_code = 3


class FeaturesError(HubError, ValueError):
    """Features, or what is said about them, cannot be evaluated."""

    exit_code = 2


class DatasetError(HubError, OSError):
    """A data set is not there, or not in the layout that it is published in."""

    exit_code = 2


class IntegrityError(HubError, OSError):
    """Bytes do not match the sha256 that the card gives."""

    exit_code = 4


class NetworkError(HubError, ConnectionError):
    """No source could deliver a file."""

    exit_code = 5


class ClusterError(HubError, RuntimeError):
    """Workers that are to compute cannot: they lack something, have something else, or were lost."""

    exit_code = 5


class OfflineError(HubError, OSError):
    """A file is not in the store, and the network may not be used."""

    exit_code = 6


class TrustError(HubError, ValueError):
    """A link or a piece of code is refused by the trust policy."""

    exit_code = 7


class MissingDependencyError(HubError, ImportError):
    """An optional package, such as MindSpore, is not installed."""

    exit_code = 8


class RequestError(HubError, ValueError):
    """A client asks a server for something that it does not do, or not like that."""

    exit_code = 2


class BusyError(HubError, RuntimeError):
    """A server has more to do than it can do in time.

    Attributes:
        seconds: After how many seconds it is worth trying again.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class StoreError(HubError, OSError):
    """The local store or an output cannot be read or written."""

    exit_code = 9


class OutputError(StoreError):
    """What has the name of an output is not a file that could be written: a folder, or a closed pipe."""

    exit_code = 2


class InternalError(HubError, RuntimeError):
    """The check itself failed: a defect of this package, not of a card."""

    exit_code = 70  # EX_SOFTWARE of sysexits.h

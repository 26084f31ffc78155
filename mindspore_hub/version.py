"""Version of the package; above 2.0.0, the last release of the upstream client."""

__version__ = "3.0.0"

"""Networks of the hub: each module defines classes, or functions that build a cell, which cards name.

A card says `network: MODULE.NAME`; without it, `<model-name in lower case>.py` defines the class
`<model-name>`. Modules with a leading underscore are shared; `_entry.py` is what entry points run. This
file is not executed by them. Nothing here imports more than MindSpore, NumPy and
siblings, so that this folder can be copied beside any entry point.
"""

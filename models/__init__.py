"""Networks of the hub: `<model-name in lower case>.py` defines the class named by a card.

Modules with a leading underscore are shared. Nothing here imports more than MindSpore, NumPy and
siblings, so that this folder can be copied beside any entry point.
"""

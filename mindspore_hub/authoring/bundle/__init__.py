"""Bundles: a card in a folder of its own, which upstream's client loads without this package.

`create` writes one, with the code that `code` finds; `manifest` says what is in it; `verify` proves it
where it arrives; `cli` has the commands.
"""

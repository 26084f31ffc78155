"""What can be done with a checkpoint file without loading it.

`source` opens what a path, a name or a card means; `examine` says what the file holds and `fit` which
network it fits; `difference` compares two files; `convert` writes another format, with `export` for those
that hold a network. `words` and `tree` show facts; the commands are in `examine_cli` and `convert_cli`.
"""

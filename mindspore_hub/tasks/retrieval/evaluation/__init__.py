"""From a data set to the published metrics, measured again.

`selection` says which images all trials need, `options` what is asked of protocol and data set,
`measurement` does what a card's `protocol` says; `report` and `plot` show it.
"""

"""From pictures to features.

`samples` says which pictures, `forward` what a card's `retrieval` makes of the outputs; `run` prepares
batches ahead of the network, `chunks` keeps them on disk and takes up what is there, by
the lines of a `journal`.
"""

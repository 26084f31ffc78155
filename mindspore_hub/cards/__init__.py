"""Model cards: read them, check them, generate what follows from them.

Reading: `paths` (which files are cards), `parse` with `front_matter` and `body`, `links` (both texts with
their places), `facts` (what rules look at), `schema` with `values`, `fields`, `preprocessing`, `retrieval`
and `protocol` (typed, for loading), `metrics` and `vocabulary/` (words).
Checking: `check` runs `rules/` and yields `findings`; `config` and `suppress` choose; `results`, `kept` and
`beside` remember, `changed` and `online` ask git and servers; `review` is the command, with `report` and
`sarif` for its formats. Mending: `fix`, `mend`. Writing: `new`, `restate`, `json_schema`, `generate`.
"""

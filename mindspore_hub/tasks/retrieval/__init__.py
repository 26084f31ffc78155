"""Re-identification: pictures to features, features to matches and to published numbers.

`transforms`, `embed`, `match` and `evaluate` are what `mindspore_hub` offers; each is a light module
over the package that does the work: `pictures`, `embedding`, `matching`, `evaluation`. `scoring` knows no
networks; a protocol is found by its name in `protocols`, the reader of a data set in `datasets`.
`docs/reid.md` describes the files that go in and come out.
"""

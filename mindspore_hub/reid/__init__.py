"""Re-identification: pictures to features (`transforms`), features to published numbers.

Networks make features, and nothing here knows networks. A protocol is found by its name in
`protocols`, the reader of a data set in `datasets`. `docs/reid.md` describes the files that go in and
come out.
"""

"""Re-identification: pictures to features (`transforms`, `embed`), features to published numbers.

What scores features knows no networks. A protocol is found by its name in
`protocols`, the reader of a data set in `datasets`. `docs/reid.md` describes the files that go in and
come out.
"""

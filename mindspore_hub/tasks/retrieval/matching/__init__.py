"""From features to the nearest gallery images of queries, and to contact sheets of them.

`neighbours` searches (exactly, ranked again, or by faiss), `matches` is what was found; `sheet` lays out
what `sheet_png` and `sheet_html` draw.
"""

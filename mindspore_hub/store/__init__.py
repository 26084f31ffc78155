"""The store: verified files under their sha256, and what is known of them.

`cache` opens and adds files, `partial` keeps what came of a download; `memo` remembers which files were
hashed, `refs` which card used which file, and when.
"""

"""The store: verified files under their sha256, and what is known of them.

`cache` opens and adds files, `partial` keeps what came of a download, `lock` has one process download at
a time; `memo` remembers which files were hashed, `refs` which card used which file, and when.
"""

"""What `fetch.py` is made of: where a file may come from, and how its bytes come.

`sources` lists the places and refuses those that are not trusted, `transfer` brings the bytes of one
place, from where an earlier download stopped, and `web` makes one HTTP request.
"""

"""What the store holds, for the people whose disk it fills: `mshub cache` and `mshub verify`.

`inventory` lists it, `choice` says what may leave and what a name means, `removal` removes, `check`
hashes again; `cli` has the commands.
"""

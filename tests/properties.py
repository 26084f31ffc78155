"""How many cases a property is tried on."""

import os


def cases(usual: int) -> int:
    """So many in the ordinary run of the suite, `MSHUB_TEST_CASES` in the long one."""
    return int(os.environ.get("MSHUB_TEST_CASES", usual))

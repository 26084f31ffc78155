"""What the checker reports by itself, explained like the rules that are modules."""

from __future__ import annotations

from mindspore_hub.checking.rules import Group, Rule
from mindspore_hub.hub.findings import Severity

UNREADABLE = Rule(
    code="H900",
    name="unreadable-card",
    severity=Severity.ERROR,
    group=Group.DEFAULT,
    explanation="""A card cannot be read.

What: A card is a regular file of at most a megabyte that may be read, or a link to one below the hub
root or the folder given. This is always checked.

Why: Nothing else can be said about it.

Example: a folder called `mvd.md`.

Instead: a Markdown file.
""",
    check_card=None,
    check_hub=None,
)

DEAD_LINK = Rule(
    code="H950",
    name="dead-link",
    severity=Severity.WARNING,
    group=Group.OFF,
    explanation="""A link leads nowhere.

What: The addresses of `asset-link`, `repo-link` and the body answer. Checked with `--online` only.
An answer 404 or 410 is a warning; an address whose host is silent, or refuses programs, is an info.

Why: A checkpoint behind a dead link cannot be loaded.

Example: `[code](https://gitee.com/mindspore/models/tree/r1.9/research/cv/mvd_old)`

Instead: an address that opens in a browser.
""",
    check_card=None,
    check_hub=None,
)

"""A Python block of the body is not Python.

What: Code blocks marked `python` parse.

Why: Readers copy them.

Example: `net = mindspore_hub.load("MVD"`

Instead: `net = mindspore_hub.load("MVD")`
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.body import CodeBlock
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING


_LANGUAGES = ("python", "python3", "py")

_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that judges: another one may take what this one does not."""

_SESSION = pattern(r"^[^\S\n]*(?:>>>|In \[\d*\]:)(?:\s|$)", re.MULTILINE)
_NOTEBOOK = pattern(
    r"^[^\S\n]*(?:%%?[A-Za-z]|![A-Za-z.~/])|^[^\S\n]*[\w.]+\?{1,2}[^\S\n]*$", re.MULTILINE
)


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first syntax error of each Python block."""
    for block in document.body.code_blocks(*_LANGUAGES):
        closed = block not in document.body.unclosed_blocks
        problem = _syntax_problem(block) if closed else None
        if problem:
            yield problem


def _syntax_problem(block: CodeBlock) -> Problem | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(block.text)
    except SyntaxError as error:
        line = block.line + min(max((error.lineno or 1) - 1, 0), max(len(block.lines) - 1, 0))
        place = Place(line, max(error.offset or 1, 1) + block.indent)
        return Problem(place, f"not Python {_VERSION}: {error.msg}", _help(block))
    except (ValueError, RecursionError, MemoryError) as error:
        message = f"not Python {_VERSION}: {error or 'too many levels'}"
        return Problem(Place(block.line), message, "correct the code")
    return None


def _help(block: CodeBlock) -> str:
    if _SESSION.search(block.text):
        return "a session is not a program: call the block pycon or ipython"
    if _NOTEBOOK.search(block.text):
        return "commands of a notebook are not Python: call the block ipython or pycon"
    return "correct the code"

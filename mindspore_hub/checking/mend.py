"""`--fix` and `--diff` of `mshub card check`, and what they say."""

from __future__ import annotations

from mindspore_hub._text import count
from mindspore_hub.checking import fix
from mindspore_hub.checking.check import Tree
from mindspore_hub.checking.rules import Rule, all_rules, select
from mindspore_hub.commands._output import echo


def mend(trees: list[Tree], rules: list[Rule], chosen: fix.Chosen, *, dry: bool) -> bool:
    """Mend what can be mended of what is chosen, or print how.

    Args:
        trees: The cards.
        rules: Rules whose findings are mended; the default ones judge the result as well.
        chosen: Which of their findings are mended.
        dry: Print a diff, and write nothing.

    Returns:
        Whether any card changes.

    Raises:
        CardError: A card is read-only.
    """
    codes = {rule.code for rule in rules}
    judges = [*rules, *(r for r in select(all_rules(), ["DEFAULT"], []) if r.code not in codes)]
    outcomes = [fix.fix_tree(tree, judges, chosen) for tree in trees]
    if dry:
        for outcome in outcomes:
            echo(fix.diff(outcome), nl=False)
    else:
        fix.write(outcomes)
    number = sum(outcome.fixed for outcome in outcomes)
    cards = count(sum(len(outcome.before) for outcome in outcomes), "card")
    would = "Would fix" if dry else "Fixed"
    for path, reason in (item for outcome in outcomes for item in outcome.left):
        echo(f"{path}: left as it was: {reason}", err=True)
    echo(f"{would} {count(number, 'finding')} in {cards}.", err=True)
    return any(outcome.before for outcome in outcomes)

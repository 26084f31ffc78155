"""Where progress is drawn."""

import subprocess
import sys

from commands import ROOT, start
from jupyter_client.manager import start_new_kernel

DRAW = """
from mindspore_hub._progress import bar

with bar("x.ckpt", shown=True) as report:
    for done in range(4):
        report(done * 1_000_000, 3_000_000)
"""


def test_a_program_without_a_terminal_gets_no_bar() -> None:
    done = start(sys.executable, "-c", DRAW)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_notebook_gets_a_bar() -> None:
    kernel, client = start_new_kernel(cwd=str(ROOT), stderr=subprocess.DEVNULL)
    drawn: list[str] = []

    def note(message: dict) -> None:
        if message["msg_type"] == "display_data":
            drawn.extend(message["content"]["data"])

    try:
        reply = client.execute_interactive(DRAW, output_hook=note, timeout=60)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok"
    assert "application/vnd.jupyter.widget-view+json" in drawn

"""Write the entry points: `python -m tools.generate_hub_conf` is `mshub generate`."""

from mindspore_hub.commands.generate import generate
from mindspore_hub.commands.main import run

if __name__ == "__main__":
    run(generate)

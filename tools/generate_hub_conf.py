"""Write the entry points: `python -m tools.generate_hub_conf` is `mshub generate`."""

from mindspore_hub.commands.main import generate, run

if __name__ == "__main__":
    run(generate)

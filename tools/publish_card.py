"""Publish a checkpoint: `python -m tools.publish_card CKPT --model NAME`, as `mshub publish`."""

from mindspore_hub.commands.main import run
from mindspore_hub.commands.publish import publish

if __name__ == "__main__":
    run(publish)

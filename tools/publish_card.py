"""Publish a checkpoint: `python -m tools.publish_card CKPT --model NAME`, as `mshub publish`."""

from mindspore_hub.cli import run
from mindspore_hub.publishing.cli import publish

if __name__ == "__main__":
    run(publish)

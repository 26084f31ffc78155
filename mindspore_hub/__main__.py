"""`python -m mindspore_hub` is the `mshub` command, also where nothing is installed."""

from mindspore_hub.commands.main import main

if __name__ == "__main__":
    main()

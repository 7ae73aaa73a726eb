"""The command line: `workhorse NOUN APP [VERB] [ARGS]`."""

from workhorse.cli.root import main

__all__ = ["main"]

"""The command line."""

from wsproxy.cli.main import main

__all__ = ["main"]

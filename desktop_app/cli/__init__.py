"""The command line: makes, proves and inspects pictures without a window; imports no Qt."""

from desktop_app.cli.commands import main

__all__ = ["main"]

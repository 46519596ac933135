"""The `sheaf` command, for people who have a site: pages in, out, moved and found; a trial."""

import sys


def main(prog_name: str | None = None) -> None:
    """Carry out what the command line says, if what the command needs is installed."""
    try:
        from sheaf.cli import commands  # noqa: PLC0415 - the message below is the better one
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] == "sheaf":
            raise
        sys.exit(f"The command needs {error.name}: install sheaf with its extra `cli`.")
    commands.main(prog_name)

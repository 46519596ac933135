"""`python -m ops` is `sheaf`."""

from sheaf.cli.commands import main

main(prog_name="sheaf")

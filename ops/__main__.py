"""`python -m ops` is `sheaf`."""

from sheaf.cli import main

main(prog_name="sheaf")

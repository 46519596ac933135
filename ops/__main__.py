"""`python -m ops` is `sheaf`."""

from ops.cli import main

main(prog_name="sheaf")

"""`python -m local`: run the site on this machine until it is stopped."""

import argparse
import sys

from local.laptop.run import main

argparse.ArgumentParser(
    usage="python -m local, with settings in environment variables such as PORT: docs/settings.md",
    description="Run the site on this machine until it is stopped.",
).parse_args()
sys.exit(main())

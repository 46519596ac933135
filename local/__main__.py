"""`python -m local`: run the site on this machine until it is stopped."""

import sys

from local.laptop.run import main

sys.exit(main())

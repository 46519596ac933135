"""Call one function with an empty event, as a deployment does.

python -m local.gateway.invoke NAME
"""

import json
import os
import sys

from local.gateway.config import GatewayConfig
from local.gateway.functions import invoke


def main() -> None:
    """Call the function that the template names NAME and print what it returns."""
    function = GatewayConfig.read(os.environ).load().functions[sys.argv[1]]
    print(json.dumps(invoke(function, {})))


if __name__ == "__main__":
    main()

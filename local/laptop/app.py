"""The gateway on a laptop: beside the site it has a sign-in that takes everybody's word.

Nothing of it belongs where others can reach it: the key that signs is the one that is trusted.
"""

import os

from local.gateway.app import Gateway
from local.gateway.config import GatewayConfig, home_of
from local.gateway.serving import serve, take_long_heads
from local.laptop import keys
from local.laptop.sign_in import SignIn


def create_app() -> Gateway:
    """The gateway that the environment describes; raises ConfigError, TemplateError."""
    config = GatewayConfig.read(os.environ)
    key = keys.load(home_of(os.environ))
    take_long_heads()
    return Gateway(config.load(), {key.id: key.public}.get, SignIn(key, config.issuer).respond)


if __name__ == "__main__":
    serve("local.laptop.app:create_app()")

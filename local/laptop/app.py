"""The gateway on a laptop: beside the site it has a sign-in that takes everybody's word.

Nothing of it belongs where others can reach it: the key that signs is the one that is trusted.
"""

import os
import sys

from local.gateway.app import Gateway
from local.gateway.config import WRONG_SETTING, ConfigError, GatewayConfig, home_of
from local.gateway.serving import adapt_gunicorn, serve
from local.laptop import keys
from local.laptop.sessions import Sessions
from local.laptop.sign_in import SignIn
from local.laptop.state import StateError
from sheaf import settings


def create_app() -> Gateway:
    """The gateway that the environment describes; raises ConfigError, StateError."""
    config = GatewayConfig.read(os.environ)
    home = home_of(os.environ)
    key = keys.load(home)
    adapt_gunicorn()
    sign_in = SignIn(key, config.issuer, Sessions(home))
    return Gateway(config.load(), {key.id: key.public}.get, sign_in.respond)


def main() -> None:
    """Serve the site; ends with status 2 if a setting, or the key, is of no use."""
    try:
        settings.current()
        create_app()
        serve("local.laptop.app:create_app()")
    except (settings.SettingsError, ConfigError, StateError) as error:
        print(f"sheaf: {error}", file=sys.stderr)
        sys.exit(WRONG_SETTING)


if __name__ == "__main__":
    main()

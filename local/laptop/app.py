"""The gateway on a laptop: beside the site it has a sign-in that takes everybody's word.

Nothing of it belongs where others can reach it: the key that signs is the one that is trusted.
It also has the pictures of the manual, which fills a new site there.
"""

import os
import sys

from werkzeug import Request, Response

from local.gateway.app import Gateway
from local.gateway.config import PROJECT, WRONG_SETTING, ConfigError, GatewayConfig, home_of
from local.gateway.serving import adapt_gunicorn, serve
from local.laptop import keys
from local.laptop.images import Images
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
    images = Images(PROJECT / "docs" / "images")

    def first(request: Request) -> Response | None:
        return images.respond(request) or sign_in.respond(request)

    return Gateway(config.load(), {key.id: key.public}.get, first)


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

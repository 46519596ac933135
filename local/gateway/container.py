"""Sheaf outside AWS, as a container image runs it: python -m local.gateway.container ROLE.

Here is no sign-in: tokens are those of an OpenID Connect issuer, whose keys are asked for.
"""

import argparse
import logging
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from local.gateway import functions, preparation, schedule, serving
from local.gateway.app import Gateway
from local.gateway.authorizer import IssuerKeys
from local.gateway.config import WRONG_SETTING, ConfigError, GatewayConfig
from local.gateway.preparation import ServiceError
from sheaf import settings

APPLICATION = "local.gateway.container:create_app()"
logger = logging.getLogger(__name__)


def create_app() -> Gateway:
    """The gateway that the environment describes; raises ConfigError.

    The functions are imported here, once for all workers that are forked afterwards.
    """
    config = _trusting()
    template = config.load()
    serving.adapt_gunicorn()
    for route in template.routes:
        functions.handler_of(route.function)
    keys = IssuerKeys(config.issuer)
    keys.refresh()  # so that a wrong issuer shows in the log at once
    return Gateway(template, keys)


def gateway() -> None:
    """Serve the site until SIGTERM, which lets the requests that have begun end."""
    _trusting().load()
    serving.serve(APPLICATION)


def migrate() -> None:
    """Bring the databases up to date and end: once for each deployment, before it serves."""
    preparation.migrate(GatewayConfig.read(os.environ))


def upkeep() -> None:
    """Call the functions that have a schedule until SIGTERM."""
    schedule.run(GatewayConfig.read(os.environ).load().schedules)


def main() -> None:
    """Play the role that the command line names; ends with status 2 if a setting is wrong."""
    roles = {role.__name__: role for role in (gateway, migrate, upkeep)}
    parser = argparse.ArgumentParser(prog="sheaf", description=__doc__)
    parser.add_argument("role", choices=roles)
    role = roles[parser.parse_args().role]
    serving.log()
    signal.signal(signal.SIGTERM, _stop)  # the first process of a container has no default
    try:
        settings.current()
        role()
    except (settings.SettingsError, ConfigError) as error:
        logger.critical("%s", error)
        sys.exit(WRONG_SETTING)
    except ServiceError as error:
        logger.critical("%s", error)
        sys.exit(1)
    except Exception:
        logger.exception("%s failed", role.__name__)
        sys.exit(1)


def _trusting() -> GatewayConfig:
    """What the environment says, with an issuer that can be asked for its keys."""
    config = GatewayConfig.read(os.environ)
    if not config.issuer.startswith("https://"):
        raise ConfigError("SHEAF_ISSUER must be an https:// address")
    return config


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()

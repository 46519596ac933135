"""What a person's shell says of other programs, which the tests must not hear.

It names accounts, servers and proxies that are real, and settings that are no default.
"""

import os
from collections.abc import MutableMapping

FOREIGN = ("AWS_", "FORWARDED_", "GIT_", "PG", "POWERTOOLS_", "SHEAF_")
# How the tests run, and where git may work.
OWN = ("GIT_CONFIG_", "SHEAF_LIST_ROWS", "SHEAF_MOVES_SECONDS", "SHEAF_REQUIRE_ALL")
HERE = "127.0.0.1,localhost"


def forget(environ: MutableMapping[str, str]) -> None:
    """Take out what is foreign, and have nothing on this machine asked for by way of a proxy.

    What has to come from the network, such as packages, may still need that.
    """
    for name in list(environ):
        foreign = name.startswith(FOREIGN) and not name.startswith(OWN)
        if foreign or name.upper() == "ALL_PROXY":
            del environ[name]
    for name in ("NO_PROXY", "no_proxy"):
        environ[name] = ",".join(filter(None, (environ.get(name), HERE)))
    environ |= dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)

"""`sam deploy`, which also says by a digest what is released: python -m ops.deployment OPTIONS."""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from samcli.cli.main import cli  # type: ignore[import-untyped]
from samcli.lib.deploy.deployer import Deployer  # type: ignore[import-untyped]

# Stands in the template for the digest: as it is, none that CloudFormation would take.
PLACE = "computed-by-make-deploy"
BUILT = ".aws-sam/build/template.yaml"
CONFIG = Path("samconfig.toml")
PARAMETER = "ReleaseDigest"

# As CloudFormation takes them: {"ParameterKey": …, "ParameterValue": …} or "UsePreviousValue".
Parameters = Sequence[Mapping[str, Any]]


def with_digest(template: str, parameters: Parameters) -> tuple[str, Parameters]:
    """The template and the parameters of a deployment, with the SHA-256 of all that is sent.

    `template` is a packaged one: it names artifacts by addresses that are made of their digests.
    It allows no other value of ReleaseDigest, be it one that the stack has from before.
    """
    others = sorted(
        (each for each in parameters if each["ParameterKey"] != PARAMETER),
        key=lambda each: str(each["ParameterKey"]),
    )
    sent = json.dumps([template, others], sort_keys=True).encode()
    digest = hashlib.sha256(sent).hexdigest()
    digested = [*others, {"ParameterKey": PARAMETER, "ParameterValue": digest}]
    return template.replace(PLACE, digest), digested


def _digesting(create_changeset: Callable[..., Any]) -> Callable[..., Any]:
    """The same, given the digest: SAM knows what it sends only here, after its questions."""

    def create(
        deployer: object,
        stack: str,
        template: str,
        parameters: Parameters,
        *rest: Any,
        **named: Any,
    ) -> Any:
        return create_changeset(deployer, stack, *with_digest(template, parameters), *rest, **named)

    return create


def main() -> None:
    """Be `sam deploy` for what was built, with the options of the command line."""
    # The `aws` command reads the one, SAM the other.
    if "AWS_REGION" in os.environ:
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"]
    Deployer.create_changeset = _digesting(Deployer.create_changeset)
    options = ["--template-file", BUILT, "--config-file", str(CONFIG.absolute())]
    cli(["deploy", *options, *sys.argv[1:]], prog_name="sam")


if __name__ == "__main__":
    main()

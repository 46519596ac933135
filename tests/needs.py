"""What a test needs of the machine: left out with a reason, or required."""

import os

import pytest


def needs(available: bool, what: str) -> None:
    """Skip the test if `what` is absent; fail it if SHEAF_REQUIRE_ALL=1 promised everything."""
    if available:
        return
    if os.environ.get("SHEAF_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is required here and was not found")
    pytest.skip(f"needs {what}")

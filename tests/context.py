"""The contexts of invocations under test."""

from typing import Any

from local.gateway.functions import Context


def new_context() -> Any:
    """The context of an invocation that begins now and has a minute."""
    return Context("tests", 512, 60)


def hurried_context() -> Any:
    """The context of an invocation without the time to wait for a database to wake."""
    return Context("tests", 512, 20)

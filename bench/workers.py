"""Processes that a benchmark gives orders to, and databases for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

_END_SECONDS = 30


@contextmanager
def worker(work: Callable[..., None], *args: object) -> Iterator["Connection[Any, Any]"]:
    """A process that does `work(orders, *args)`; yields the other end of its orders.

    Afterwards None is ordered, which is to end it. It is killed if it does not, or if the block
    fails.
    """
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there, *args))
    process.start()
    try:
        yield here
        here.send(None)
        process.join(_END_SECONDS)
    finally:
        process.kill()


def create_database(url: str, name: str) -> str:
    """Create a database on the server of another one; its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_url(url).set(database=name).render_as_string(hide_password=False)

"""The API's description: made from the functions' routes by `make openapi`, shipped as a file."""

from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("openapi.json")


@cache
def read() -> str:
    """The description as JSON text."""
    return FILE.read_text(encoding="utf-8")

"""Many writers of one page on a running site, who merge as the editor does."""

import pytest

from tests import together
from tests.conftest import Mint


@pytest.mark.parametrize("saves", [80, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_line_is_lost_and_nobody_is_stuck(site_url: str, mint_token: Mint, saves: int) -> None:
    token = mint_token("alice", "editor")
    counts = together.write_together(site_url, token, f"together/{saves}", saves)
    assert counts["saves"] == saves
    assert counts["merges"] > 0

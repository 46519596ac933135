import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.laptop import state


def test_a_private_directory_is_its_owners_alone(tmp_path: Path) -> None:
    directory = state.private(tmp_path / "a")
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)  # a mode given to mkdir is less what the umask forbids
    assert state.private(tmp_path / "a").stat().st_mode & 0o777 == 0o755


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(state.StateError, match="Not a directory"):
        state.private(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_of_others_is_named(tmp_path: Path) -> None:
    with pytest.raises(state.StateError, match="cannot write into"):
        state.private(Path("/"))


def test_a_password_stays(tmp_path: Path) -> None:
    first = state.password(tmp_path / "password")
    assert len(first) >= 32
    assert state.password(tmp_path / "password") == first
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
    assert state.password(tmp_path / "other") != first


def test_all_first_callers_get_the_same_content(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: state.password(tmp_path / "password"), range(32)))
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["password"]


def test_a_port_is_remembered(tmp_path: Path) -> None:
    port = state.port(tmp_path / "port")
    assert state.port(tmp_path / "port") == port


def test_a_port_in_use_is_replaced(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (tmp_path / "port").write_text(str(taken.getsockname()[1]))
        port = state.port(tmp_path / "port")
        assert port != taken.getsockname()[1]
        assert int((tmp_path / "port").read_text()) == port


def test_only_one_holds_a_lock(tmp_path: Path) -> None:
    with (
        state.exclusive(tmp_path / "lock"),
        pytest.raises(state.StateInUse, match=re.escape(str(tmp_path))),
        state.exclusive(tmp_path / "lock"),
    ):
        pass
    with state.exclusive(tmp_path / "lock"):
        pass

import os
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from local.laptop import keys, state

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


def other_key() -> bytes:
    nothing = serialization.NoEncryption()
    return ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, nothing)


def encrypted_key() -> bytes:
    locked = serialization.BestAvailableEncryption(b"secret")
    return rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, locked)


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


def read(content: bytes, how: Callable[[Path], object]) -> tuple[object, str]:
    """What a file of the state is read as, or the complaint, which names it in a line."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        try:
            return how(path), ""
        except state.StateError as error:
            complaint = str(error)
    assert str(path) in complaint
    assert "\n" not in complaint
    return None, complaint


@given(content=st.binary(max_size=300))
def test_a_port_file_is_read_or_named(content: bytes) -> None:
    port, complaint = read(content, state.port)
    assert complaint or re.match(rb"\s*[0-9]{1,9}\s*(\n|$)", content)
    assert complaint or port in range(1, 65536)


@given(content=st.binary(max_size=300) | st.text("abc_-9/ ", max_size=9).map(str.encode))
def test_a_password_file_is_read_or_named(content: bytes) -> None:
    password, complaint = read(content, state.password)
    assert bool(complaint) == (not re.fullmatch(rb"[A-Za-z0-9_-]+", content))
    assert complaint or password == content.decode()


@pytest.mark.parametrize("make", [other_key, encrypted_key, lambda: b"", lambda: b"-----BEGIN RSA"])
def test_a_key_that_is_none_is_named(tmp_path: Path, make: Callable[[], bytes]) -> None:
    (tmp_path / "issuer.pem").write_bytes(make())
    with pytest.raises(state.StateError, match=re.escape(str(tmp_path / "issuer.pem"))):
        keys.load(tmp_path)


def test_only_one_holds_a_lock(tmp_path: Path) -> None:
    with (
        state.exclusive(tmp_path / "lock"),
        pytest.raises(state.StateInUse, match=re.escape(str(tmp_path))),
        state.exclusive(tmp_path / "lock"),
    ):
        pass
    with state.exclusive(tmp_path / "lock"):
        pass

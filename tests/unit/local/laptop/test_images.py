from pathlib import Path

import pytest
from werkzeug import Request, Response
from werkzeug.test import Client

from local.laptop.images import Images

PLAN = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
SHOT = b"\x89PNG of a page"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """Of a site with two pictures, beside which there is something else."""
    folder = tmp_path / "images"
    (folder / "shots").mkdir(parents=True)
    (folder / "plan.svg").write_bytes(PLAN)
    (folder / "shots/home.png").write_bytes(SHOT)
    (folder / "notes.txt").touch()
    (tmp_path / "secret.svg").touch()
    images = Images(folder)
    (folder / "later.svg").touch()

    @Request.application
    def serve(request: Request) -> Response:
        return images.respond(request) or Response("the site", 404)

    return Client(serve)


@pytest.mark.parametrize(
    ("path", "media_type", "body"),
    [
        ("/images/plan.svg", "image/svg+xml", PLAN),
        ("/images/shots/home.png", "image/png", SHOT),
    ],
)
def test_a_picture_is_served_as_what_it_is(
    client: Client, path: str, media_type: str, body: bytes
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content_type, answer.data) == (200, media_type, body)
    head = client.head(path)
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(body))


def test_a_picture_that_is_opened_by_itself_runs_nothing(client: Client) -> None:
    headers = client.get("/images/plan.svg").headers
    assert headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert headers["x-content-type-options"] == "nosniff"


def test_who_has_it_already_is_not_sent_it(client: Client) -> None:
    first = client.get("/images/plan.svg")
    again = client.get("/images/plan.svg", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/images/plan.svg", headers={"If-None-Match": '"another"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/images",
        "/images/",
        "/images/shots",
        "/images/plan.svg/",
        "/images/notes.txt",
        "/images/later.svg",
        "/images/../secret.svg",
        "/images/%2e%2e/secret.svg",
        "/images/shots/..%2fplan.svg",
        "/plan.svg",
    ],
)
def test_all_else_is_left_to_the_site(client: Client, path: str) -> None:
    assert client.get(path).data == b"the site"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_pictures_are_only_read(client: Client, method: str) -> None:
    assert client.open("/images/plan.svg", method=method).data == b"the site"


def test_without_its_folder_a_site_has_no_pictures(tmp_path: Path) -> None:
    images = Images(tmp_path / "nothing")
    assert images.respond(Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/images/a.svg"})) is None

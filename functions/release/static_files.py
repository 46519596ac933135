"""The static files in S3, from where the CDN serves them."""

from sheaf import hashing, telemetry
from sheaf.aws import services
from sheaf.http import responses
from sheaf.rendering import static
from sheaf.rendering.static import StaticFile

# A key is the address without its first slash.
_PREFIX = static.ADDRESS.removeprefix("/")


class NotRemoved(Exception):
    """S3 has kept some of the files; the message names one and why."""


def publish(bucket: str) -> None:
    """Store each file of this build. Those of other builds stay: their pages are still about."""
    files = static.everything()
    for file in files:
        _store(bucket, file)
    telemetry.logger().info("static files published", count=len(files))


def _store(bucket: str, file: StaticFile) -> None:
    services.client("s3").put_object(
        Bucket=bucket,
        Key=file.path.removeprefix("/"),
        Body=file.body,
        ContentMD5=hashing.content_md5(file.body),
        ContentType=file.media_type,
        CacheControl=responses.IMMUTABLE,
    )


def remove(bucket: str) -> None:
    """Remove the files of all builds and nothing else; raises NotRemoved."""
    s3 = services.client("s3")
    listing = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_PREFIX)
    try:
        for page in listing:
            _remove(bucket, [found["Key"] for found in page.get("Contents", ())])
    except s3.exceptions.NoSuchBucket:
        telemetry.logger().info("the bucket is gone already")


def _remove(bucket: str, keys: list[str]) -> None:
    if not keys:
        return
    objects = [{"Key": key} for key in keys]
    answer = services.client("s3").delete_objects(
        Bucket=bucket, Delete={"Objects": objects, "Quiet": True}
    )
    for error in answer.get("Errors", ()):
        raise NotRemoved(f"{error['Key']}: {error['Code']}, {error['Message']}")

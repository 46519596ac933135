"""The same list by Django's ORM and its Paginator."""

from collections.abc import Callable

import django
from django.conf import settings
from sqlalchemy.engine import make_url


def reader(url: str, size: int) -> Callable[[int], list[str]]:
    """What returns the slugs of a page by its number; each call is a request's own Paginator."""
    address = make_url(url)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.database,
        "USER": address.username,
        "PASSWORD": address.password,
        "HOST": address.host,
        "PORT": address.port,
        "CONN_MAX_AGE": None,
    }
    settings.configure(DATABASES={"default": database}, USE_TZ=True)
    django.setup()
    return _reader(size)


def _reader(size: int) -> Callable[[int], list[str]]:
    # These can be imported only when there are settings.
    from django.contrib.postgres.fields import ArrayField  # noqa: PLC0415
    from django.core.paginator import Paginator  # noqa: PLC0415
    from django.db import models  # noqa: PLC0415

    class Page(models.Model):
        """The columns of the table that the list shows."""

        id = models.UUIDField(primary_key=True)
        slug = models.TextField()
        title = models.TextField()
        tags = ArrayField(models.TextField())
        state = models.TextField()
        version = models.BigIntegerField()
        author = models.TextField()
        created_at = models.DateTimeField()
        updated_at = models.DateTimeField()
        blob = models.TextField()

        class Meta:
            """The table is Sheaf's."""

            app_label = "bench"
            db_table = "pages"
            managed = False

    live = Page.objects.filter(state="live").order_by("-updated_at", "-slug")
    return lambda number: [page.slug for page in Paginator(live.all(), size).page(number)]

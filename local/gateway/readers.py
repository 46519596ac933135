"""Readers: who sends many pages is told that others are served by the same processes.

API Gateway says nothing of the kind: there each request has an instance of its own.
"""

import time
from math import inf

from werkzeug import Request, Response

# For so long after a read there are readers.
_SECONDS = 2.0


class Readers:
    """Those whom a process has served lately."""

    def __init__(self) -> None:
        self._last = -inf

    def note(self, request: Request, response: Response) -> Response:
        """The answer, which names readers in Server-Timing if it is a writer's and there are any.

        So a reader is noted, too, who sends no token.
        """
        if request.method in ("GET", "HEAD"):
            # Who sends pages looks at what is there first, with the same token.
            if "Authorization" not in request.headers:
                self._last = time.monotonic()
        elif time.monotonic() - self._last < _SECONDS:
            response.headers.add("server-timing", "readers")
        return response

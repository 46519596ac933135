"""Make the scripts and styles of a folder small: what is only for people who read them goes.

    python minify.py build/python/sheaf/rendering/static

Needs rjsmin and rcssmin, which a checkout's .venv has.
"""

import sys
from pathlib import Path

import rcssmin
import rjsmin

_MINIFIERS = {".js": rjsmin.jsmin, ".css": rcssmin.cssmin}


def minify(folder: Path) -> None:
    """Rewrite the files in their places."""
    for path in folder.iterdir():
        if make_small := _MINIFIERS.get(path.suffix):
            path.write_text(make_small(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    minify(Path(sys.argv[1]))

"""The tests. A regular package, so that a library's stray `tests` cannot take its place."""

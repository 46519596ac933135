"""The gate function: tries a new version of another function before it gets any traffic."""

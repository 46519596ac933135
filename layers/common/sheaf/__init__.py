"""Sheaf's shared layer: hashing, caching, locks, paging, storage, rendering and the web."""

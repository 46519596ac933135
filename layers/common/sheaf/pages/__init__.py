"""Pages: how they are claimed, saved, read, listed and reserved, and the cache of them."""

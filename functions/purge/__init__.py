"""The purge function: has the CDN forget the pages that have changed."""

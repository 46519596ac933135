"""The `sheaf` command: pages in, pages out, and a token for the local site."""

"""The `sheaf` command, for people who have a site: bring pages in, take them out, try the site."""

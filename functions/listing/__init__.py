"""The listing function: what is read from storage. Lists, search, revisions, pages as JSON."""

"""The site on a laptop: a sign-in that takes everybody's word, PostgreSQL and Redis."""

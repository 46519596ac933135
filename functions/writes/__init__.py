"""The writes function: changes to pages, under locks, by people who are signed in."""

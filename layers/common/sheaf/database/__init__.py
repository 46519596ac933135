"""The database: connections to PostgreSQL, the tables, and their migrations."""

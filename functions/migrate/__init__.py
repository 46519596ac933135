"""The migrate function: brings the database to the schema of this version."""

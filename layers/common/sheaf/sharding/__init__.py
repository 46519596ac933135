"""Sharding: which database has which slots, how requests find it, and how slots move."""

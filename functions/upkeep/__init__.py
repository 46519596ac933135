"""The upkeep function: what has to happen after a change, and in time."""

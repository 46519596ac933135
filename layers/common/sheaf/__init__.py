"""Sheaf: pages that many read and several edit at once. The layer of all functions."""

__version__ = "0.1.0"

# The number of the build: cached pages of a lower one are made again. The layer's Makefile appends
# another line to this file, with the time in SOURCE_DATE_EPOCH.
BUILD = 0

"""Locks between processes, with fences: what a lock promises, whoever keeps it.

Names and errors follow redis-py's Lock where the meaning is the same, so that code moves over by
changing an import. What is added: every lock expires, has a fence, and knows its own deadline.
"""

from sheaf.locks.contract import Lock, Locks
from sheaf.locks.errors import LockError, LockNotOwnedError
from sheaf.locks.multi import MultiLock

__all__ = ["Lock", "LockError", "LockNotOwnedError", "Locks", "MultiLock"]

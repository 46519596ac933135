"""What goes wrong with locks."""


class LockError(Exception):
    """The lock was not free in time, is held already, or the lock service fails; it says which.

    To redis-py a service that does not answer is a ConnectionError.
    """


class LockNotOwnedError(LockError):
    """The lock is not ours, or not any more: it expired, or someone else holds it.

    Also what is raised of a lock that was never taken, or has been given back.
    """

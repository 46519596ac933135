"""A cache of versioned values in Redis that a slow reader can never turn back.

`versioned` is the cache with its rules, for readers and writers. `near` finds a value with as
little as possible: a small reader of Redis, a memory for what many ask for, and a breaker for when
Redis is down. `entry` is what both keep. All but `versioned` need the standard library only.
"""

"""Lua scripts on Redis: sent by their digest, and in full only to a server that lacks them."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

import redis
from redis.exceptions import NoScriptError


class Script:
    """A script's text and the digest by which a server that has seen it knows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Call:
    """A script with its arguments. All keys lie in one hash slot, the first one's."""

    script: Script
    keys: tuple[str, ...]
    arguments: tuple[Any, ...]


def run(client: "redis.Redis", call: Call) -> Any:
    """The script's answer, in one round trip; raises what redis-py raises."""
    keys, values = len(call.keys), (*call.keys, *call.arguments)
    try:
        return client.evalsha(call.script.digest, keys, *values)
    except NoScriptError:
        # After a restart, a failover or a flush. EVAL also stores the script again.
        return client.eval(call.script.text, keys, *values)


def run_together(client: "redis.Redis", calls: Sequence[Call]) -> list[Any]:
    """The answers of several scripts whose keys share a slot, in one round trip.

    They run in this order, each whether or not another failed; raises the first failure.
    """
    pipeline = _node(client, calls[0].keys[0]).pipeline(transaction=False)
    for call in calls:
        pipeline.evalsha(call.script.digest, len(call.keys), *call.keys, *call.arguments)
    answers = pipeline.execute(raise_on_error=False)
    # An error in place of an answer (no such script, slot moved) says that the script did not run.
    return [
        run(client, call) if isinstance(answer, redis.ResponseError) else answer
        for call, answer in zip(calls, answers, strict=True)
    ]


def _node(client: "redis.Redis", key: str) -> "redis.Redis":
    """The client of the node that has the key: a cluster's own pipeline knows no EVALSHA."""
    if not isinstance(client, redis.RedisCluster):
        return client
    return client.get_redis_connection(client.get_node_from_key(key))

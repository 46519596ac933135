"""What goes wrong around a site on several shards while it changes many pages at once."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from tests.faults.batch_steps import LOSE_ANSWER, ROLL_BACK, STEPS
from tests.faults.site_nemesis import SiteNemesis
from tests.faults.site_world import Gateway, SiteWorld
from tests.servers.proxy import Proxy

ORDERS = (*map(str, (*STEPS, ROLL_BACK)), LOSE_ANSWER)
# Nothing by which a replica takes the place of a Redis: what was published may be lost with it.
_OF_SITE = (
    *("pause_writers", "kill_a_writer", "restart_redis", "lose_redis", "flush_redis"),
    *("crash_postgres", "restart_postgres", "end_sessions"),
    *("cut_postgres", "drop_postgres_replies", "delay_requests", "delay_replies"),
)


class BatchNemesis(SiteNemesis):
    """Has processes die at each step of a batch, in a new order again and again."""

    def __init__(self, world: SiteWorld, lease: float, faults: Iterable[str] = ()) -> None:
        super().__init__(world, lease, faults)
        self._orders: list[str] = []
        self._given: dict[int, str] = {}
        self.obeyed: list[str] = []

    def die_in_a_batch(self) -> None:
        """A process of each gateway, unless one has not yet come to where it is to die."""
        for number, gateway in enumerate(self.site.writers):
            self._note(number, gateway)
            if number not in self._given:
                self._given[number] = self._next()
                gateway.tell(self._given[number])

    def finish(self) -> None:
        """Have all servers run, and note what was obeyed."""
        super().finish()
        for number, gateway in enumerate(self.site.writers):
            self._note(number, gateway)

    def _note(self, number: int, gateway: Gateway) -> None:
        if number in self._given and not gateway.order.exists():
            self.obeyed.append(self._given.pop(number))

    def _next(self) -> str:
        self._orders = self._orders or self.random.sample(ORDERS, len(ORDERS))
        return self._orders.pop()

    @property
    def has_tried_all(self) -> bool:
        """Whether each order was obeyed at least once."""
        return len(set(self.obeyed)) == len(ORDERS)

    @property
    def kills(self) -> int:
        """How many processes died."""
        return self.done["kill_a_writer"] + sum(each != LOSE_ANSWER for each in self.obeyed)

    def cut_postgres(self) -> None:
        """All connections to one of the shards."""
        for wire in self._wires(self.site.writers):
            wire.cut()

    def drop_postgres_replies(self) -> None:
        """The next few of one shard."""
        for wire in self._wires(self.site.some()):
            wire.drop_replies(self.random.randint(1, 3))

    def delay_requests(self) -> None:
        """Statements for one shard are long on the way; or nobody waits for them any more."""
        for wire in self._wires(self.site.some()):
            wire.requests.hold()
            self._after(self._longer_than_the_lease(), wire.requests.open)
            if self.random.random() < 0.5:
                self._after(0.5 * self.lease, wire.hang_up)

    def delay_replies(self) -> None:
        """One shard is heard of only when locks are gone."""
        for wire in self._wires(self.site.some()):
            wire.replies.hold()
            self._after(self._longer_than_the_lease(), wire.replies.open)

    def _wires(self, gateways: Iterable[Gateway]) -> list[Proxy]:
        number = self.random.randrange(len(self.site.databases))
        return [gateway.databases[number] for gateway in gateways]

    weights: ClassVar[Mapping[str, int]] = {
        **{name: SiteNemesis.weights[name] for name in _OF_SITE},
        "die_in_a_batch": 16,
        "kill_a_writer": 2,
    }

"""The world outside the workflow: a payment gateway that can fail, and an outbox. Both remember what happened."""

from collections import Counter
from dataclasses import dataclass

from temporalio import activity


@dataclass
class Charge:
    """One payment; the gateway takes the money once for an idempotency key."""

    idempotency_key: str
    customer: str
    amount_cents: int


@dataclass
class Letter:
    """A message to, or about, a customer."""

    customer: str
    text: str


class GatewayDown(Exception):
    """The gateway did not answer."""


class Billing:
    """The activities of the subscription. The first `failures` attempts of a charge fail before it is taken, the next
    `lost_replies` attempts after it."""

    def __init__(self, failures: int = 0, lost_replies: int = 0) -> None:
        self._failures = failures
        self._lost_replies = lost_replies
        self.attempts: Counter[str] = Counter()
        self.taken_cents: dict[str, int] = {}
        self.times_taken: Counter[str] = Counter()
        self.emails: list[Letter] = []
        self.escalations: list[Letter] = []

    @property
    def activities(self) -> list:
        """What a worker registers."""
        return [self.charge, self.send_email, self.escalate]

    @activity.defn
    async def charge(self, charge: Charge) -> None:
        """Takes the money, once for a key."""
        key = charge.idempotency_key
        self.attempts[key] += 1
        if self.attempts[key] <= self._failures:
            raise GatewayDown("the gateway is down")
        if key not in self.taken_cents:
            self.taken_cents[key] = charge.amount_cents
            self.times_taken[key] += 1
        if self.attempts[key] <= self._failures + self._lost_replies:
            raise GatewayDown("the reply was lost")

    @activity.defn
    async def send_email(self, letter: Letter) -> None:
        """Writes to the customer."""
        self.emails.append(letter)

    @activity.defn
    async def escalate(self, letter: Letter) -> None:
        """Tells a human."""
        self.escalations.append(letter)

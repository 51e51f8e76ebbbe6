"""What the subscription does outside of workflow code. Every activity leaves one line in the file that `EFFECTS` names."""

import os
from dataclasses import dataclass

from temporalio import activity


@dataclass
class Charge:
    """One payment."""

    idempotency_key: str
    customer: str
    amount_cents: int


@dataclass
class Letter:
    """A message to a customer."""

    customer: str
    text: str


@activity.defn
async def rate(price_cents: int) -> int:
    """What a month costs with today's tax, in cents. A local activity."""
    leave_a_line(f"rate {price_cents}")
    return price_cents + price_cents // 10


@activity.defn
async def quota(month: int) -> int:
    """How many letters a month may bring. A local activity of one later version."""
    leave_a_line(f"quota {month}")
    return 3


@activity.defn
async def charge(charge: Charge) -> None:
    """Takes the money."""
    leave_a_line(f"charge {charge.idempotency_key} {charge.amount_cents}")


@activity.defn
async def send_letter(letter: Letter) -> None:
    """Writes to the customer."""
    leave_a_line(f"send_letter {letter.customer} {letter.text}")


@activity.defn
async def send_message(letter: Letter) -> None:
    """Writes to the customer's phone, in one later version."""
    leave_a_line(f"send_message {letter.customer} {letter.text}")


def leave_a_line(text: str) -> None:
    """Appends to the file of effects, so that whoever runs the worker sees what it did."""
    path = os.environ.get("EFFECTS")
    if path:
        with open(path, "a", encoding="utf-8") as effects:
            effects.write(text + "\n")


ACTIVITIES = [rate, quota, charge, send_letter, send_message]

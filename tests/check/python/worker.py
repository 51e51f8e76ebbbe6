"""A worker of the subscription. `VERSION` picks the version of its code; where it connects to is the SDK's own environment configuration."""

import asyncio
import logging
import os
import signal

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

from billing import ACTIVITIES
from subscription import Invoice, Receipt
from versions import VERSIONS

TASK_QUEUE = "subscriptions"


async def main() -> None:
    """Works until it is told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    version = VERSIONS[os.environ.get("VERSION", "same")]
    client = await Client.connect(**ClientConfig.load_client_connect_config(), identity="subscription-worker")
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[version, Receipt, Invoice], activities=ACTIVITIES):
        await stop.wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())

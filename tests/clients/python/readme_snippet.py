"""A month of virtual time from Python; run with FORETIME naming the binary."""

import asyncio
import os
from datetime import timedelta

from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker


@workflow.defn
class Month:
    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(timedelta(days=30))
        return "a month later"


async def main() -> None:
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=os.environ["FORETIME"]) as env:
        async with Worker(env.client, task_queue="months", workflows=[Month]):
            print(await env.client.execute_workflow(Month.run, id="month", task_queue="months"))
            print(await env.get_current_time())


if __name__ == "__main__":
    asyncio.run(main())

import os
from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker


@workflow.defn
class Month:
    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(timedelta(days=30))
        return "a month later"


@pytest.mark.asyncio
async def test_a_month() -> None:
    foretime = os.environ["FORETIME"]  # the path of the binary
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=foretime) as env:
        async with Worker(env.client, task_queue="months", workflows=[Month]):
            start = await env.get_current_time()
            assert await env.client.execute_workflow(Month.run, id="month", task_queue="months") == "a month later"
            assert await env.get_current_time() - start >= timedelta(days=30)

"""challenge.py - a challenge of the public SDK's, started by sdk_v1.py: one named job, a default one,
a query once queries are welcome. Nothing of the SDK is changed."""

import asyncio

from platform_challenge_sdk import challenge, run

asked = asyncio.Event()


@challenge.on_job("evaluate_agent")
async def evaluate_agent(ctx, payload):
    await asyncio.wait_for(asked.wait(), 20)
    return {"job": ctx.job_id, "got": payload}


@challenge.on_job()
def fails(_ctx, _payload):
    raise ValueError("no agent")


@challenge.on_orm_ready()
async def ready():
    # The SDK's own adapter of queries waits for permissions; its router is what it would use.
    try:
        await challenge.message_router.send_message(
            {"type": "orm_query", "message_id": "q-1",
             "payload": {"query": {"operation": "select", "table": "agents"}, "query_id": "q-1"}})
    except Exception as error:
        await challenge.message_router.send_push_message(
            {"type": "logs", "payload": {"query": str(error)}})
    asked.set()


challenge.set_db_version(3)
run()

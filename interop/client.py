"""client.py - the public SDK's clients, started by sdk_v1.py.

    python client.py http URL       bootstraps over HTTP and posts a heartbeat
    python client.py house URL      bootstraps with a house, posts a heartbeat, a line of a log and a
                                    result, and ends its session
    python client.py ws URL         its WebSocket client, which shows no quote

The one change is to the name that mtls.py calls and PyNaCl does not have: without it every call
ends in AttributeError before it has sent anything."""

import asyncio
import os
import sys
import types

import platform_challenge_sdk.client.mtls as mtls
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from platform_challenge_sdk.results import ResultsClient


def over_http(url, *posts):
    mtls.crypto_scalarmult = types.SimpleNamespace(scalarmult=crypto_scalarmult,
                                                   scalarmult_base=crypto_scalarmult_base)
    client = mtls.bootstrap_attested_session(url, "hotkey")
    for path, body in posts:
        answer = client.post(path, body)
        print("posted", path, answer.status_code, "SDK_EPHEMERAL_SK_B64" in os.environ)
    return client


async def over_websocket(url):
    from platform_challenge_sdk.websocket import SecureWebSocketClient
    await SecureWebSocketClient(url).connect()


BEAT = ("/results/heartbeat", {"timestamp": 1, "status": "ok", "metrics": {}})
LOG = ("/results/logs", {"timestamp": 1, "level": "INFO", "message": "hello", "component": "agent"})

if sys.argv[1] == "http":
    over_http(sys.argv[2], BEAT)
elif sys.argv[1] == "house":
    client = over_http(sys.argv[2], BEAT, LOG)
    # Its own word for a result, which does not look at the answer.
    ResultsClient(client, "").submit(0.25, {"passed": 1}, "evaluate_agent", ["one", "two"])
    over_session = client.post("/v1/session/end", {})
    print("posted", "/v1/session/end", over_session.status_code)
else:
    asyncio.run(over_websocket(sys.argv[2]))

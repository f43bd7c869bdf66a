"""client.py - the public SDK's clients, started by sdk_v1.py.

    python client.py http URL       bootstraps over HTTP and posts a heartbeat
    python client.py house URL      bootstraps with a house, and ends its session
    python client.py ws URL         its WebSocket client, which shows no quote

The one change is to the name that mtls.py calls and PyNaCl does not have: without it every call
ends in AttributeError before it has sent anything."""

import asyncio
import os
import sys
import types

import platform_challenge_sdk.client.mtls as mtls
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base


def over_http(url, path, body):
    mtls.crypto_scalarmult = types.SimpleNamespace(scalarmult=crypto_scalarmult,
                                                   scalarmult_base=crypto_scalarmult_base)
    client = mtls.bootstrap_attested_session(url, "hotkey")
    answer = client.post(path, body)
    print("posted", answer.status_code, "SDK_EPHEMERAL_SK_B64" in os.environ)


async def over_websocket(url):
    from platform_challenge_sdk.websocket import SecureWebSocketClient
    await SecureWebSocketClient(url).connect()


if sys.argv[1] == "http":
    over_http(sys.argv[2], "/results/heartbeat", {"timestamp": 1, "status": "ok", "metrics": {}})
elif sys.argv[1] == "house":
    over_http(sys.argv[2], "/v1/session/end", {})
else:
    asyncio.run(over_websocket(sys.argv[2]))

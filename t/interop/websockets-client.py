# websockets, https://websockets.readthedocs.io.  Arguments: the address of the
# chat, a token, the address of an echo.

import asyncio
import json
import sys

import websockets

chat, token, echo = sys.argv[1:]
seen = {}


async def find(socket, test):
    while True:
        message = json.loads(await socket.recv())

        if test(message):
            return message


async def talk():
    protocols = ["chat.v1", "bearer." + token]

    async with websockets.connect(chat, subprotocols=protocols) as socket:
        seen["protocol"] = socket.subprotocol
        seen["extensions"] = ", ".join(e.name for e in socket.extensions)

        hello = await find(socket, lambda m: m["type"] == "authenticated")
        seen["user"] = hello["data"]["userId"]

        await socket.send('{"type":"conversation.join","id":1,'
                          '"data":{"conversationId":"lobby"}}')
        reply = await find(socket, lambda m: m.get("id") == 1)
        seen["joined"] = reply["ok"]

        await socket.send(['{"type":"message.send","id":2,', '"data":',
                           '{"conversationId":"lobby","content":"hé"}}'])
        events = {}

        while len(events) < 2:
            message = json.loads(await socket.recv())

            if message["type"] in ("reply", "message.created"):
                events[message["type"]] = message

        seen["sent"] = events["reply"]["ok"]
        seen["heard"] = events["message.created"]["data"]["content"]

        await asyncio.wait_for(await socket.ping("are you there"), 10)
        seen["pong"] = "are you there"

        await socket.close(1000, "bye")
        seen["close"] = socket.close_code

    async with websockets.connect(echo) as socket:
        text = "äöü" * 10000
        await socket.send(text)
        seen["echo"] = await socket.recv() == text
        await socket.send(bytes(50000))
        seen["binary"] = isinstance(await socket.recv(), bytes)


asyncio.run(talk())
print(json.dumps(seen))

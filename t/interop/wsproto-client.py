# wsproto, https://python-hyper.org/projects/wsproto: the protocol alone, over
# a socket of our own.  Arguments: the address of the chat, a token, the
# address of an echo.

import json
import socket
import sys
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (AcceptConnection, BytesMessage, CloseConnection,
                            Ping, Pong, Request, TextMessage)
from wsproto.extensions import PerMessageDeflate

chat, token, echo = sys.argv[1:]
seen = {}


class Client:
    def __init__(self, url, protocols):
        address = urlsplit(url)
        self.ws = WSConnection(ConnectionType.CLIENT)
        self.socket = socket.create_connection(
            (address.hostname, address.port), 10)
        self.send(Request(host=address.netloc, target=address.path,
                          subprotocols=protocols,
                          extensions=[PerMessageDeflate()]))
        self.accepted = self.next(AcceptConnection)

    def send(self, *events):
        for event in events:
            self.socket.sendall(self.ws.send(event))

    # the next event of a kind; messages are put together
    def next(self, kind):
        whole = None

        while True:
            for event in self.ws.events():
                if isinstance(event, Ping):
                    self.send(event.response())

                if isinstance(event, (TextMessage, BytesMessage)):
                    whole = event.data if whole is None else whole + event.data

                    if event.message_finished and isinstance(event, kind):
                        return whole

                    if event.message_finished:
                        whole = None

                elif isinstance(event, kind):
                    return event

            data = self.socket.recv(65536)
            self.ws.receive_data(data or None)

    def find(self, test):
        while True:
            message = json.loads(self.next(TextMessage))

            if test(message):
                return message


client = Client(chat, ["chat.v1", "bearer." + token])
seen["protocol"] = client.accepted.subprotocol
seen["extensions"] = ", ".join(e.name for e in client.accepted.extensions)

hello = client.find(lambda m: m["type"] == "authenticated")
seen["user"] = hello["data"]["userId"]

client.send(TextMessage('{"type":"conversation.join","id":1,'
                        '"data":{"conversationId":"lobby"}}'))
seen["joined"] = client.find(lambda m: m.get("id") == 1)["ok"]

client.send(TextMessage('{"type":"message.send","id":2,',
                        message_finished=False),
            Ping(b"are you there"),
            TextMessage('"data":', message_finished=False),
            TextMessage('{"conversationId":"lobby","content":"hé"}}'))
seen["pong"] = client.next(Pong).payload.decode()

events = {}

while len(events) < 2:
    message = json.loads(client.next(TextMessage))

    if message["type"] in ("reply", "message.created"):
        events[message["type"]] = message

seen["sent"] = events["reply"]["ok"]
seen["heard"] = events["message.created"]["data"]["content"]

client.send(CloseConnection(code=1000, reason="bye"))
seen["close"] = client.next(CloseConnection).code

client = Client(echo, [])
text = "äöü" * 10000
client.send(TextMessage(text))
seen["echo"] = client.next(TextMessage) == text
client.send(BytesMessage(bytes(50000)))
seen["binary"] = isinstance(client.next(BytesMessage), (bytes, bytearray))

print(json.dumps(seen))

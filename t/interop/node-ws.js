// ws, https://github.com/websockets/ws: the client most servers in Node have.
// Arguments: the address of the chat, a token, the address of an echo.

'use strict';

const WebSocket = require('/usr/share/nodejs/ws');

const [chat, token, echo] = process.argv.slice(2);
const seen = {};


function open(url, protocols) {
    const socket = new WebSocket(url, protocols);
    const waiting = [];
    const messages = [];

    // a message that this is true of, now or later
    socket.find = test => new Promise(resolve => {
        waiting.push([test, resolve]);
        settle();
    });

    function settle() {
        for (const pair of [...waiting]) {
            const i = messages.findIndex(pair[0]);

            if (i >= 0) {
                waiting.splice(waiting.indexOf(pair), 1);
                pair[1](messages.splice(i, 1)[0]);
            }
        }
    }

    socket.on('message', (data, binary) => {
        messages.push(url === chat ? JSON.parse(data)
                                   : { binary, text: data.toString() });
        settle();
    });

    return new Promise((resolve, reject) => {
        socket.on('open', () => resolve(socket));
        socket.on('error', reject);
    });
}


async function main() {
    let socket = await open(chat, ['chat.v1', `bearer.${token}`]);

    seen.protocol = socket.protocol;
    seen.extensions = socket.extensions;

    const hello = await socket.find(m => m.type === 'authenticated');
    seen.user = hello.data.userId;

    socket.send('{"type":"conversation.join","id":1,'
                + '"data":{"conversationId":"lobby"}}');
    seen.joined = (await socket.find(m => m.id === 1)).ok;

    for (const part of ['{"type":"message.send","id":2,', '"data":',
                        '{"conversationId":"lobby","content":"hé"}}'])
    {
        socket.send(part, { fin: part.endsWith('}}') });
    }

    seen.sent = (await socket.find(m => m.id === 2)).ok;
    const heard = await socket.find(m => m.type === 'message.created');
    seen.heard = heard.data.content;

    seen.pong = await new Promise(resolve => {
        socket.on('pong', data => resolve(data.toString()));
        socket.ping('are you there');
    });

    seen.close = await new Promise(resolve => {
        socket.on('close', code => resolve(code));
        socket.close(1000, 'bye');
    });

    socket = await open(echo, []);
    const long = 'äöü'.repeat(10000);
    socket.send(long);
    seen.echo = (await socket.find(() => true)).text === long;
    socket.send(Buffer.alloc(50000));
    seen.binary = (await socket.find(() => true)).binary;
    socket.close();

    console.log(JSON.stringify(seen));
}


main();

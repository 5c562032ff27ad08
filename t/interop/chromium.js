// The WebSocket of browsers, which makes no fragments and shows no pings.
// An expression, a function of the addresses of the chat and of the echo and
// of a token.

async (chat, token, echo) => {
    const seen = { pong: 'are you there' };

    function open(url, protocols) {
        const socket = new WebSocket(url, protocols);
        const messages = [];
        let wake = () => {};

        socket.binaryType = 'arraybuffer';
        socket.onmessage = event => {
            messages.push(url === chat ? JSON.parse(event.data) : event.data);
            wake();
        };

        socket.find = async test => {
            for (;;) {
                const i = messages.findIndex(test);

                if (i >= 0) {
                    return messages.splice(i, 1)[0];
                }

                await new Promise(resolve => { wake = resolve; });
            }
        };

        return new Promise((resolve, reject) => {
            socket.onopen = () => resolve(socket);
            socket.onerror = () => reject(new Error('not opened'));
        });
    }

    let socket = await open(chat, ['chat.v1', `bearer.${token}`]);

    seen.protocol = socket.protocol;
    seen.extensions = socket.extensions;
    seen.user = (await socket.find(m => m.type === 'authenticated'))
        .data.userId;

    socket.send('{"type":"conversation.join","id":1,'
                + '"data":{"conversationId":"lobby"}}');
    seen.joined = (await socket.find(m => m.id === 1)).ok;

    socket.send('{"type":"message.send","id":2,"data":'
                + '{"conversationId":"lobby","content":"hé"}}');
    seen.sent = (await socket.find(m => m.id === 2)).ok;
    seen.heard = (await socket.find(m => m.type === 'message.created'))
        .data.content;

    seen.close = await new Promise(resolve => {
        socket.onclose = event => resolve(event.wasClean && event.code);
        socket.close(1000, 'bye');
    });

    socket = await open(echo, []);
    const long = 'äöü'.repeat(10000);
    socket.send(long);
    seen.echo = await socket.find(() => true) === long;
    socket.send(new Uint8Array(50000));
    seen.binary = (await socket.find(() => true)).byteLength === 50000;
    socket.close();

    return JSON.stringify(seen);
}

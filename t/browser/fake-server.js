/*
 * In place of a server, inside the page: window.WebSocket is answered by
 * window.fake, which notes what it is asked.
 *
 *     fake.asked('presence.get')      the data of all such requests
 *     fake.answers[type] = (data) => data of the reply, or { error }
 *     fake.tell(type, data)           an event
 *     fake.cut()                      the connection is lost
 */

(() => {
    let socket = null;

    const join = (conversationId) => ({
        conversationId, role: 'member', sequenceNumber: 0, revision: 1,
        lastReadSequence: 0, events: [], complete: true, reset: false
    });

    const fake = window.fake = {
        requests: [],
        states: {},

        answers: {
            'conversation.join': ({ conversationId }) => join(conversationId),
            'presence.subscribe': ({ userIds }) => ({
                states: userIds.map((userId) => ({
                    userId, status: 'offline', lastSeen: null,
                    ...fake.states[userId]
                }))
            })
        },

        asked: (type) => fake.requests.filter((r) => r.type === type)
                                      .map((r) => r.data),
        tell: (type, data) => socket.tell({ type, data }),
        cut: () => socket.onclose?.({ code: 1012, reason: 'retry=1' })
    };

    window.WebSocket = class {

        constructor() {
            socket = this;
            setTimeout(() => this.tell({ type: 'authenticated', data: {
                userId: 'me', serverTime: new Date().toISOString()
            } }));
        }

        tell(frame) {
            this.onmessage?.({ data: JSON.stringify(frame) });
        }

        async send(text) {
            const { type, id, data } = JSON.parse(text);

            fake.requests.push({ type, data });

            const answer = await fake.answers[type]?.(data) ?? {};
            const { error } = answer;

            this.tell(error ? { type: 'reply', id, ok: false, error }
                            : { type: 'reply', id, ok: true, data: answer });
        }

        close() { /* nobody is there to be told */ }
    };
})();

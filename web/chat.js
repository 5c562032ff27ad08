/*
 * chat.js: a client of ngx_chat for browsers, without dependencies; it is this
 * file and those beside it whose names begin with "chat-".
 *
 *     import { ChatClient } from './chat.js';
 *
 *     const client = new ChatClient({
 *         url: 'wss://chat.example.com/chat',
 *         token: async (reason) => fetchToken()
 *     });
 *
 *     const lobby = client.conversation('lobby');
 *
 *     lobby.addEventListener('event', (e) => console.log(e.detail));
 *     client.connect();
 *
 *     const { id, sequenceNumber } = await lobby.send('Hello');
 *
 *     await lobby.addReaction(id, '👋');
 *     lobby.markRead(sequenceNumber);
 *
 *     client.presence.subscribe(['ada']);
 *     client.presence.addEventListener('change', (e) => console.log(e.detail));
 *
 * It keeps one connection and comes back by itself when that is lost.  Each
 * conversation then goes on where it was: its durable events come in order of
 * their revisions, none missing and none twice, and what was sent without an
 * answer is sent again under the same id, so that it is there once.
 */

import { Connection } from './chat-connection.js';
import { Conversation } from './chat-conversation.js';
import { uuidv7 } from './chat-id.js';
import { Joins } from './chat-joins.js';
import { Presence } from './chat-presence.js';
import { ChatError, retryDelay, sleep } from './chat-retry.js';

export { ChatError, Conversation, uuidv7 };

const REQUEST_TIMEOUT = 10000;      /* ms */
const CALL_DEADLINE = 60000;


/*
 * One connection.  Events:
 *
 *     state     {state, delay?, code?, reason?}; state is
 *               "connecting", "online", "waiting" (for delay ms), or "closed"
 *               (by close(), or for good: code and reason tell)
 *     event     any event of the server, {type, data}
 *     error     {code, message}: an error that answers no request
 */

export class ChatClient extends EventTarget {

    #connection;
    #clockOffset = 0;
    #conversations = new Map();
    #joins = new Joins(this);

    /*
     * url: ws:// or wss://.  token(reason): a promise of a token, asked before
     * each connection ("connect"), when the server refused the last one
     * ("refused"), and a minute before it expires ("expiring").  Rejected with
     * a ChatError "unauthorized" it says that the user has to sign in again:
     * the client is closed, with code 4401, as soon as it needs the token.
     * Other failures pass: it is asked again later, as it is when it has said
     * nothing for half a minute.
     */
    constructor({ url, token }) {
        super();
        this.#connection = new Connection({
            url, token,
            onState: (state, detail) => this.#onState(state, detail),
            onLost: () => this.#onLost(),
            onEvent: (frame) => this.#onEvent(frame),
            onError: (error) => this.#emit('error', error)
        });
        this.userId = null;     /* known once there was a connection */
        this.presence = new Presence(this);
        this.presence.addEventListener('own', () => this.#onOwn());
    }


    get state() {
        return this.#connection.state;
    }


    /* the server's clock, as far as it is known */
    now() {
        return Date.now() + this.#clockOffset;
    }


    connect() {
        this.#connection.open();
    }


    close() {
        this.#connection.close();
    }


    /* the network or the page came back: does the connection still live? */
    wake() {
        this.#connection.wake();
    }


    /*
     * One request, tried once.  Resolves with the reply's data, rejects with a
     * ChatError.
     */
    request(type, data = {}, { timeout = REQUEST_TIMEOUT } = {}) {
        return this.#connection.request(type, data, timeout);
    }


    /*
     * A request that may safely be repeated: tried until it succeeds, fails
     * for good, or `deadline` ms are over.  gone: it takes something away, so
     * that after a try whose answer was lost "not_found" means that it is done.
     */
    async call(type, data = {}, { deadline = CALL_DEADLINE, gone } = {}) {
        const end = Date.now() + deadline;
        let unsure = false;

        for (let attempt = 0; ; attempt++) {
            try {
                await this.#whenOnline(end - Date.now());
                return await this.request(type, data);

            } catch (error) {
                const delay = retryDelay(error, attempt);

                if (gone && unsure && error.code === 'not_found') {
                    return {};
                }

                if (!error.retryable || Date.now() + delay >= end) {
                    throw error;
                }

                unsure ||= error.unsure;
                await sleep(delay);
            }
        }
    }


    /* the user's conversations, a page of them; {items, nextCursor} */
    list({ cursor, limit } = {}) {
        return this.call('conversation.list', { cursor, limit });
    }


    /* the conversation of this id, joined whenever there is a connection */
    conversation(id) {
        let conversation = this.#conversations.get(id);

        if (conversation === undefined) {
            conversation = new Conversation(this, id);
            this.#conversations.set(id, conversation);

            if (this.state === 'online') {
                conversation._online();
            }
        }

        return conversation;
    }


    /*
     * Makes one.  The server chooses its id, once however often it is asked;
     * that of a dm, of type "dm" with one member, is always the same.
     */
    createConversation({ type, name, members }) {
        const clientId = type === 'dm' ? undefined : uuidv7(this.now());

        return this.call('conversation.create', { clientId, type, name,
                                                  members });
    }


    /* stops listening to a conversation; one remains its member */
    leave(id) {
        if (this.forget(id) && this.state === 'online') {
            this.request('conversation.leave', { conversationId: id })
                .catch(() => { /* gone with the connection, then */ });
        }
    }


    /* the same where the server does not listen any more; true: it was known */
    forget(id) {
        this.#conversations.get(id)?._end();

        return this.#conversations.delete(id);
    }


    _join(feed) {
        return this.#joins.join(feed);
    }


    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }


    #onState(state, detail) {
        const isOnline = state === 'online';

        if (isOnline) {
            this.userId = detail.userId;
            this.#clockOffset = Date.parse(detail.serverTime) - Date.now() || 0;
        }

        this.#emit('state', { state, ...detail });

        if (isOnline) {
            for (const conversation of this.#conversations.values()) {
                conversation._online();
            }

            this.presence._online();
        }
    }


    #onLost() {
        this.presence._offline();

        for (const conversation of this.#conversations.values()) {
            conversation._offline();
        }
    }


    #onEvent(frame) {
        this.presence._event(frame);
        this.#emit('event', frame);
        this.#conversations.get(frame.data?.conversationId)?._event(frame);
    }


    /* what was kept back while the user was invisible */
    #onOwn() {
        if (this.presence.open) {
            for (const conversation of this.#conversations.values()) {
                conversation._visible();
            }
        }
    }


    #whenOnline(timeout) {
        if (this.state === 'online') {
            return Promise.resolve();
        }

        if (this.state === 'closed') {
            return Promise.reject(new ChatError('unauthorized', 'closed'));
        }

        return new Promise((resolve, reject) => {
            const done = (error) => {
                clearTimeout(timer);
                this.removeEventListener('state', look);

                if (error === undefined) {
                    resolve();
                } else {
                    reject(error);
                }
            };

            const look = () => {
                if (this.state === 'online') {
                    done();
                } else if (this.state === 'closed') {
                    done(new ChatError('unauthorized', 'closed'));
                }
            };

            const timer = setTimeout(
                () => done(new ChatError('offline', 'not connected')),
                timeout);

            this.addEventListener('state', look);
        });
    }
}

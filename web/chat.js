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

import { Conversation } from './chat-conversation.js';
import { uuidv7 } from './chat-id.js';
import { Joins } from './chat-joins.js';
import { Presence } from './chat-presence.js';
import { BACKOFF_MAX, ChatError, backoff, retryDelay, sleep }
    from './chat-retry.js';

export { ChatError, Conversation, uuidv7 };

const PROTOCOL = 'chat.v1';

const OPEN_TIMEOUT = 10000;         /* ms, from the first byte to a session */
const REQUEST_TIMEOUT = 10000;
const SILENCE = 25000;              /* then the other side is asked */
const PROBE_TIMEOUT = 5000;
const BACKOFF_OVERLOADED = 4000;
const CALL_DEADLINE = 60000;

const CLOSE_UNAUTHORIZED = 4401;
const CLOSE_REVOKED = 4403;
const CLOSE_FLOODING = 4429;
const CLOSE_OVERLOADED = 1013;
const CLOSE_RESTART = 1012;


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

    #url;
    #token;
    #state = 'closed';
    #socket = null;
    #turn = 0;                  /* counts attempts: late callbacks are told */
    #attempt = 0;               /* failures in a row */
    #tokenReason = 'connect';
    #timer = null;              /* until the next attempt, or the handshake's */
    #watch = null;
    #probing = false;
    #heard = 0;
    #clockOffset = 0;
    #nextId = 1;
    #requests = new Map();
    #conversations = new Map();
    #joins = new Joins(this);

    /*
     * url: ws:// or wss://.  token(reason): a promise of a token, asked before
     * each connection ("connect"), when the server refused the last one
     * ("refused"), and a minute before it expires ("expiring").  Rejected with
     * a ChatError "unauthorized" it says that the user has to sign in again:
     * the client is closed, with code 4401, as soon as it needs the token.
     * Other failures pass: it is asked again later.
     */
    constructor({ url, token }) {
        super();
        this.#url = url;
        this.#token = token;
        this.userId = null;     /* known once there was a connection */
        this.presence = new Presence(this);
        this.presence.addEventListener('own', () => this.#onOwn());
    }


    get state() {
        return this.#state;
    }


    /* the server's clock, as far as it is known */
    now() {
        return Date.now() + this.#clockOffset;
    }


    connect() {
        if (this.#state === 'closed') {
            this.#attempt = 0;
            this.#open();
        }
    }


    close() {
        this.#end(1000, 'closed');
    }


    /* the network or the page came back: find out now, not at the next tick */
    wake() {
        if (this.#state === 'waiting') {
            this.#open();

        } else if (this.#state === 'online') {
            this.#probe();
        }
    }


    /*
     * One request, tried once.  Resolves with the reply's data, rejects with a
     * ChatError.
     */
    request(type, data = {}, { timeout = REQUEST_TIMEOUT } = {}) {
        if (this.#state !== 'online') {
            return Promise.reject(new ChatError('offline', 'not connected'));
        }

        return this.#send(type, data, timeout);
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

            if (this.#state === 'online') {
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
        if (this.forget(id) && this.#state === 'online') {
            this.request('conversation.leave', { conversationId: id })
                .catch(() => { /* gone with the connection, then */ });
        }
    }


    /* the same where the server does not listen any more; true: it was known */
    forget(id) {
        this.#conversations.get(id)?._end();

        return this.#conversations.delete(id);
    }


    _join(conversation) {
        return this.#joins.join(conversation);
    }


    /* -- connection ------------------------------------------------------ */

    #setState(state, detail = {}) {
        this.#state = state;
        this.#emit('state', { state, ...detail });
    }


    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }


    async #open() {
        const turn = ++this.#turn;

        clearTimeout(this.#timer);
        this.#setState('connecting');

        let token;

        try {
            token = await this.#token(this.#tokenReason);
        } catch (error) {
            if (turn === this.#turn) {
                this.#withoutToken(error);
            }
            return;
        }

        if (turn !== this.#turn) {
            return;
        }

        const socket = new WebSocket(this.#url,
                                     [PROTOCOL, `bearer.${token}`]);

        socket.onmessage = (e) => this.#onMessage(e.data);
        socket.onclose = (e) => this.#onClose(e.code, e.reason);

        this.#socket = socket;
        this.#timer = setTimeout(() => this.#drop(), OPEN_TIMEOUT);
    }


    #withoutToken(error) {
        if (error.code === 'unauthorized') {
            this.#end(CLOSE_UNAUTHORIZED, error.message);
        } else {
            this.#later(1006, `no token: ${error.message}`);
        }
    }


    #onAuthenticated(data) {
        clearTimeout(this.#timer);
        this.#attempt = 0;
        this.#tokenReason = 'connect';
        this.userId = data.userId;
        this.#clockOffset = Date.parse(data.serverTime) - Date.now() || 0;
        this.#watch = setInterval(() => this.#look(), SILENCE / 5);
        this.#setState('online', data);

        for (const conversation of this.#conversations.values()) {
            conversation._online();
        }

        this.presence._online();
    }


    /* what was kept back while the user was invisible */
    #onOwn() {
        if (this.presence.open) {
            for (const conversation of this.#conversations.values()) {
                conversation._visible();
            }
        }
    }


    /* a connection that is dead need not say so: no close event will come */
    #drop() {
        this.#detach();
        this.#onClose(1006, 'no answer');
    }


    #detach() {
        if (this.#socket !== null) {
            this.#socket.onmessage = null;
            this.#socket.onclose = null;
            this.#socket.close();
            this.#socket = null;
        }
    }


    #onClose(code, reason) {
        if (code === CLOSE_REVOKED) {
            this.#end(code, reason);
            return;
        }

        if (code === CLOSE_UNAUTHORIZED) {
            this.#tokenReason = 'refused';
        }

        this.#lost();
        this.#later(code, reason);
    }


    /* everything that waits for the connection learns that it is gone */
    #lost() {
        clearTimeout(this.#timer);
        clearInterval(this.#watch);
        this.#socket = null;
        this.#probing = false;
        this.#state = 'waiting';

        for (const [, request] of this.#requests) {
            clearTimeout(request.timer);
            request.reject(new ChatError('offline', 'connection lost'));
        }

        this.#requests.clear();
        this.presence._offline();

        for (const conversation of this.#conversations.values()) {
            conversation._offline();
        }
    }


    #later(code, reason) {
        const delay = this.#delay(code, reason);

        this.#attempt++;
        this.#turn++;
        this.#setState('waiting', { delay, code, reason });
        this.#timer = setTimeout(() => this.#open(), delay);
    }


    #delay(code, reason) {
        const hint = /\bretry=(\d+)/.exec(reason);

        if (code === CLOSE_RESTART && hint !== null && this.#attempt === 0) {
            return Math.min(Number(hint[1]), BACKOFF_MAX);
        }

        /* an expired token: the new one is tried at once, but only once */
        if (code === CLOSE_UNAUTHORIZED && this.#attempt === 0) {
            return 0;
        }

        if (code === CLOSE_FLOODING || code === CLOSE_OVERLOADED) {
            return BACKOFF_OVERLOADED + backoff(this.#attempt + 3);
        }

        return backoff(this.#attempt);
    }


    #end(code, reason) {
        this.#detach();
        this.#lost();
        this.#turn++;
        this.#setState('closed', { code, reason });
    }


    /* -- silence --------------------------------------------------------- */

    #look() {
        if (Date.now() - this.#heard > SILENCE) {
            this.#probe();
        }
    }


    async #probe() {
        const turn = this.#turn;

        if (this.#probing) {
            return;
        }

        this.#probing = true;

        try {
            await this.request('ping', {}, { timeout: PROBE_TIMEOUT });
        } catch (error) {
            if (turn === this.#turn && error.code === 'timeout') {
                this.#drop();
            }
        }

        this.#probing = false;
    }


    #whenOnline(timeout) {
        if (this.#state === 'online') {
            return Promise.resolve();
        }

        if (this.#state === 'closed') {
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
                if (this.#state === 'online') {
                    done();
                } else if (this.#state === 'closed') {
                    done(new ChatError('unauthorized', 'closed'));
                }
            };

            const timer = setTimeout(
                () => done(new ChatError('offline', 'not connected')),
                timeout);

            this.addEventListener('state', look);
        });
    }


    /* -- frames ---------------------------------------------------------- */

    #send(type, data, timeout) {
        const id = this.#nextId++;

        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.#requests.delete(id);
                reject(new ChatError('timeout', 'no answer'));
            }, timeout);

            this.#requests.set(id, { resolve, reject, timer });
            this.#socket.send(JSON.stringify({ type, id, data }));
        });
    }


    #onMessage(text) {
        const frame = JSON.parse(text);

        this.#heard = Date.now();

        if (frame.type === 'reply') {
            this.#onReply(frame);
            return;
        }

        switch (frame.type) {
        case 'authenticated':
            this.#onAuthenticated(frame.data);
            break;

        case 'token.expiring':
            this.#renew();
            break;
        }

        this.presence._event(frame);
        this.#emit('event', frame);
        this.#conversations.get(frame.data?.conversationId)?._event(frame);
    }


    #onReply(frame) {
        const request = this.#requests.get(frame.id);

        if (request === undefined) {
            /* an answer that came too late, or to no request */
            if (!frame.ok && frame.id === null) {
                this.#emit('error', frame.error);
            }
            return;
        }

        this.#requests.delete(frame.id);
        clearTimeout(request.timer);

        if (frame.ok) {
            request.resolve(frame.data ?? {});
        } else {
            const { code, message, retryAfter } = frame.error;
            request.reject(new ChatError(code, message, retryAfter));
        }
    }


    /* failing is no harm: at its end the token is refused, and asked anew */
    async #renew() {
        const turn = this.#turn;

        try {
            const token = await this.#token('expiring');

            if (turn === this.#turn) {
                await this.request('authenticate', { token });
            }

        } catch (error) {
            this.#emit('error', { code: error.code ?? 'unauthorized',
                                  message: error.message });
        }
    }
}

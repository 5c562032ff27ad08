/*
 * chat.js: a client of ngx_chat for browsers, without dependencies.
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
 *     const { sequenceNumber } = await lobby.send('Hello');
 *
 * It keeps one connection and comes back by itself when that is lost.  Each
 * conversation then goes on where it was: its durable events come in order of
 * their revisions, none missing and none twice, and what was sent without an
 * answer is sent again under the same id, so that it is there once.
 */

const PROTOCOL = 'chat.v1';

const OPEN_TIMEOUT = 10000;         /* ms, from the first byte to a session */
const REQUEST_TIMEOUT = 10000;
const SILENCE = 25000;              /* then the other side is asked */
const PROBE_TIMEOUT = 5000;
const BACKOFF_BASE = 500;
const BACKOFF_MAX = 30000;
const MAX_IN_FLIGHT = 16;           /* sends of one conversation */
const CALL_DEADLINE = 60000;
const SEND_DEADLINE = 120000;

/* codes of the server, and "offline", which is ours */
const RETRYABLE = new Set(['unavailable', 'timeout', 'rate_limited',
                           'offline']);

const CLOSE_UNAUTHORIZED = 4401;
const CLOSE_REVOKED = 4403;
const CLOSE_FLOODING = 4429;
const CLOSE_OVERLOADED = 1013;
const CLOSE_RESTART = 1012;


/* what a request failed with: one of the server's codes, or "offline" */

export class ChatError extends Error {

    constructor(code, message, retryAfter) {
        super(message);
        this.name = 'ChatError';
        this.code = code;
        this.retryAfter = retryAfter;
    }

    get retryable() {
        return RETRYABLE.has(this.code);
    }
}


/* RFC 9562, 5.7: the server tells the age of an id by its first 48 bits */

export function uuidv7(now = Date.now()) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const view = new DataView(bytes.buffer);

    view.setUint32(0, Math.floor(now / 0x10000));
    view.setUint16(4, now % 0x10000);
    bytes[6] = 0x70 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;

    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0'))
                     .join('');

    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}


function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}


/* full jitter: many clients that lost one server come back spread out */

function backoff(attempt) {
    return Math.random() * Math.min(BACKOFF_MAX, BACKOFF_BASE * 2 ** attempt);
}


function retryDelay(error, attempt) {
    return (error.retryAfter ?? 0) * 1000 + backoff(attempt);
}


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

    /*
     * url: ws:// or wss://.  token(reason): a promise of a token, asked before
     * each connection ("connect"), when the server refused the last one
     * ("refused"), and a minute before it expires ("expiring").
     */
    constructor({ url, token }) {
        super();
        this.#url = url;
        this.#token = token;
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
     * for good, or `deadline` ms are over.
     */
    async call(type, data = {}, { deadline = CALL_DEADLINE } = {}) {
        const end = Date.now() + deadline;

        for (let attempt = 0; ; attempt++) {
            try {
                await this.#whenOnline(end - Date.now());
                return await this.request(type, data);

            } catch (error) {
                const delay = retryDelay(error, attempt);

                if (!error.retryable || Date.now() + delay >= end) {
                    throw error;
                }

                await sleep(delay);
            }
        }
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


    /* makes one; the server chooses its id, once however often it is asked */
    async createConversation({ type, name, members }) {
        const data = await this.call('conversation.create', {
            clientId: uuidv7(this.now()), type, name, members
        });

        return data;
    }


    /* stops listening to a conversation */
    leave(id) {
        if (this.#conversations.delete(id) && this.#state === 'online') {
            this.request('conversation.leave', { conversationId: id })
                .catch(() => { /* gone with the connection, then */ });
        }
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
                this.#later(1006, `no token: ${error.message}`);
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


    #onAuthenticated(data) {
        clearTimeout(this.#timer);
        this.#attempt = 0;
        this.#tokenReason = 'connect';
        this.#clockOffset = Date.parse(data.serverTime) - Date.now() || 0;
        this.#watch = setInterval(() => this.#look(), SILENCE / 5);
        this.#setState('online', data);

        for (const conversation of this.#conversations.values()) {
            conversation._online();
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
            return BACKOFF_BASE * 8 + backoff(this.#attempt + 3);
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


/*
 * A conversation that is listened to.  Events:
 *
 *     live      {sequenceNumber, fresh}: caught up; fresh: nothing is known of
 *               what was before, so load it with history()
 *     event     a durable event, {type, data}, in order of data.revision
 *     signal    an ephemeral event
 *     reset     drop everything that is known of the conversation; "live"
 *               follows, fresh
 *     failed    a ChatError: it cannot be joined
 */

export class Conversation extends EventTarget {

    #client;
    #turn = 0;                  /* counts joins: late answers are dropped */
    #live = false;
    #fresh = true;
    #early = [];                /* events that came before the join's answer */
    #outbox = [];
    #pause = null;

    constructor(client, id) {
        super();
        this.#client = client;
        this.id = id;
        this.revision = null;   /* the highest that was applied */
        this.sequenceNumber = 0;
    }


    get live() {
        return this.#live;
    }


    /*
     * Sends a message; resolves with its id, sequenceNumber and timestamp once
     * the server has it.  Survives lost connections until `deadline` ms are
     * over.  To try again what failed, give the same clientMessageId.
     */
    send(content, { clientMessageId, deadline = SEND_DEADLINE,
                    ...more } = {})
    {
        const item = {
            data: {
                conversationId: this.id,
                clientMessageId: clientMessageId
                                 ?? uuidv7(this.#client.now()),
                content,
                ...more
            },
            inFlight: false,
            attempt: 0
        };

        const promise = new Promise((resolve, reject) => {
            item.resolve = resolve;
            item.reject = reject;
        });

        item.timer = setTimeout(() => {
            this.#settle(item);
            item.reject(new ChatError('timeout', 'not sent in time'));
        }, deadline);

        this.#outbox.push(item);
        this.#flush();

        return promise;
    }


    /* messages before or after a sequence number; {messages, complete} */
    history({ beforeSequence, afterSequence, limit = 50 } = {}) {
        return this.#client.call('history.get', {
            conversationId: this.id, beforeSequence, afterSequence, limit
        });
    }


    /* -- what the client tells ------------------------------------------- */

    _online() {
        this.#join();
        this.#flush();
    }


    _offline() {
        this.#turn++;
        this.#live = false;
        this.#early = [];
    }


    _event(frame) {
        if (frame.type === 'conversation.reset') {
            this.#reset();
            this.#join();

        } else if (frame.data.revision === undefined) {
            this.#emit('signal', frame);

        } else if (this.#live) {
            this.#apply(frame);

        } else {
            this.#early.push(frame);
        }
    }


    /* -- events ---------------------------------------------------------- */

    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }


    #reset() {
        this.revision = null;
        this.sequenceNumber = 0;
        this.#fresh = true;
        this.#early = [];
        this.#emit('reset');
    }


    #apply(frame) {
        const { revision, sequenceNumber } = frame.data;

        if (this.revision !== null && revision <= this.revision) {
            return;
        }

        this.revision = revision;
        this.sequenceNumber = Math.max(this.sequenceNumber,
                                       sequenceNumber ?? 0);
        this.#emit('event', frame);
    }


    /* joins, again until nothing is missing */
    async #join() {
        const turn = ++this.#turn;

        this.#live = false;

        for (let attempt = 0, complete = false; !complete; ) {
            try {
                const reply = await this.#client.request('conversation.join', {
                    conversationId: this.id,
                    afterRevision: this.revision ?? undefined
                });

                if (turn !== this.#turn) {
                    return;
                }

                this.#catchUp(reply);
                complete = reply.complete !== false;
                attempt = 0;

            } catch (error) {
                if (turn !== this.#turn || error.code === 'offline') {
                    return;     /* with the connection the join comes again */
                }

                if (!error.retryable) {
                    this.#emit('failed', error);
                    return;
                }

                await sleep(retryDelay(error, attempt++));

                if (turn !== this.#turn) {
                    return;
                }
            }
        }

        this.#goLive();
    }


    #catchUp(reply) {
        if (reply.reset) {
            this.#reset();
        }

        for (const frame of reply.events ?? []) {
            this.#apply(frame);
        }

        this.revision = Math.max(this.revision ?? 0, reply.revision ?? 0);
        this.sequenceNumber = Math.max(this.sequenceNumber,
                                       reply.sequenceNumber ?? 0);
    }


    #goLive() {
        const early = this.#early;
        const fresh = this.#fresh;

        this.#live = true;
        this.#fresh = false;
        this.#early = [];

        for (const frame of early) {
            this.#apply(frame);
        }

        this.#emit('live', { sequenceNumber: this.sequenceNumber, fresh });
    }


    /* -- sending --------------------------------------------------------- */

    #settle(item) {
        clearTimeout(item.timer);
        this.#outbox = this.#outbox.filter((other) => other !== item);
    }


    /* sends what was not sent yet, in order; nothing is sent during a pause */
    #flush() {
        const inFlight = this.#outbox.filter((item) => item.inFlight).length;

        if (this.#pause !== null || this.#client.state !== 'online') {
            return;
        }

        this.#outbox.filter((item) => !item.inFlight)
                    .slice(0, MAX_IN_FLIGHT - inFlight)
                    .forEach((item) => this.#try(item));
    }


    async #try(item) {
        item.inFlight = true;

        try {
            const ack = await this.#client.request('message.send', item.data);

            this.#settle(item);
            item.resolve({ ...ack,
                           clientMessageId: item.data.clientMessageId });

        } catch (error) {
            item.inFlight = false;

            if (error.retryable) {
                this.#hold(error, item.attempt++);
            } else {
                this.#settle(item);
                item.reject(error);
            }
        }

        this.#flush();
    }


    /* what comes after a message that has to wait waits too, to keep order */
    #hold(error, attempt) {
        if (error.code === 'offline' || this.#pause !== null) {
            return;
        }

        this.#pause = setTimeout(() => {
            this.#pause = null;
            this.#flush();
        }, retryDelay(error, attempt));
    }
}

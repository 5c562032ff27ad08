/*
 * The connection of a client: one at a time, made with a token, asked now and
 * then whether it still lives, and made anew when it was lost.
 */

import { Requests } from './chat-requests.js';
import { BACKOFF_MAX, ChatError, backoff } from './chat-retry.js';

const PROTOCOL = 'chat.v1';

const TOKEN_TIMEOUT = 30000;        /* ms */
const OPEN_TIMEOUT = 10000;         /* from the first byte to a session */
const SILENCE = 25000;              /* then the other side is asked */
const PROBE_TIMEOUT = 5000;
const RENEWAL_TIMEOUT = 10000;
const BACKOFF_OVERLOADED = 4000;

const CLOSE_UNAUTHORIZED = 4401;
const CLOSE_REVOKED = 4403;
const CLOSE_FLOODING = 4429;
const CLOSE_OVERLOADED = 1013;
const CLOSE_RESTART = 1012;


export class Connection {

    #url;
    #token;
    #state = 'closed';
    #socket = null;
    #turn = 0;                  /* counts attempts: late callbacks are told */
    #attempt = 0;               /* failures in a row */
    #tokenReason = 'connect';
    #timer = null;              /* until the next attempt, or of this one */
    #watch = null;
    #probing = false;
    #heard = 0;
    #requests = new Requests();

    /*
     * onState(state, detail): the states of ChatClient.  onLost(): what was
     * sent gets no answer.  onEvent(frame).  onError({code, message}): of no
     * request.
     */
    constructor({ url, token, onState, onLost, onEvent, onError }) {
        this.#url = url;
        this.#token = token;
        this.onState = onState;
        this.onLost = onLost;
        this.onEvent = onEvent;
        this.onError = onError;
    }


    get state() {
        return this.#state;
    }


    open() {
        if (this.#state === 'closed') {
            this.#attempt = 0;
            this.#open();
        }
    }


    close() {
        this.#end(1000, 'closed');
    }


    /* find out now, not at the next tick */
    wake() {
        if (this.#state === 'waiting') {
            this.#open();

        } else if (this.#state === 'online') {
            this.#probe();
        }
    }


    /* promises the data of the reply */
    request(type, data, timeout) {
        if (this.#state !== 'online') {
            return Promise.reject(new ChatError('offline', 'not connected'));
        }

        const { id, reply } = this.#requests.add(timeout);

        this.#socket.send(JSON.stringify({ type, id, data }));

        return reply;
    }


    /* -- beginning ------------------------------------------------------- */

    #setState(state, detail = {}) {
        this.#state = state;
        this.onState(state, detail);
    }


    #setTimer(handler, ms) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(handler, ms);
    }


    async #open() {
        const turn = ++this.#turn;

        this.#setTimer(() => this.#later(1006, 'no token in time'),
                       TOKEN_TIMEOUT);
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
        this.#setTimer(() => this.#drop(), OPEN_TIMEOUT);
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
        this.#tokenReason = 'connect';
        this.#watch = setInterval(() => this.#look(), SILENCE / 5);
        this.#setState('online', data);
    }


    /* failing is no harm: at its end the token is refused, and asked anew */
    async #renew() {
        const turn = this.#turn;

        try {
            const token = await this.#token('expiring');

            if (turn === this.#turn) {
                await this.request('authenticate', { token }, RENEWAL_TIMEOUT);
            }

        } catch (error) {
            this.onError({ code: error.code ?? 'unauthorized',
                           message: error.message });
        }
    }


    /* -- its end --------------------------------------------------------- */

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
        this.#requests.lose();
        this.onLost();
    }


    #later(code, reason) {
        const delay = this.#delay(code, reason);

        this.#attempt++;
        this.#turn++;
        this.#setTimer(() => this.#open(), delay);
        this.#setState('waiting', { delay, code, reason });
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

    /* one that ends as soon as it has begun is a failure, too */
    #look() {
        this.#attempt = 0;

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
            await this.request('ping', {}, PROBE_TIMEOUT);
        } catch (error) {
            if (turn === this.#turn && error.code === 'timeout') {
                this.#drop();
            }
        }

        this.#probing = false;
    }


    /* -- frames ---------------------------------------------------------- */

    #onMessage(text) {
        const frame = JSON.parse(text);

        this.#heard = Date.now();

        if (frame.type === 'reply') {
            const error = this.#requests.answer(frame);

            if (error !== null) {
                this.onError(error);
            }
            return;
        }

        if (frame.type === 'authenticated') {
            this.#onAuthenticated(frame.data);

        } else if (frame.type === 'token.expiring') {
            this.#renew();
        }

        this.onEvent(frame);
    }
}

/*
 * What is to be sent in one conversation: in order, each message until it is
 * answered, under one id, so that it is there once however often it is tried.
 */

import { uuidv7 } from './chat-id.js';
import { ChatError, retryDelay } from './chat-retry.js';

const MAX_IN_FLIGHT = 16;
const DEADLINE = 120000;


export class Outbox {

    #client;
    #items = [];
    #pause = null;

    /* onHold(error): nothing is sent until error.retryAfter is over */
    constructor(client, onHold) {
        this.#client = client;
        this.onHold = onHold;
    }


    /* resolves with the server's answer */
    add(data, deadline = DEADLINE) {
        const item = {
            data: { ...data,
                    clientMessageId: data.clientMessageId
                                     ?? uuidv7(this.#client.now()) },
            inFlight: false,
            attempt: 0,
            end: Date.now() + deadline
        };

        const promise = new Promise((resolve, reject) => {
            item.resolve = resolve;
            item.reject = reject;
        });

        item.timer = setTimeout(() => {
            this.#fail(item, new ChatError('timeout', 'not sent in time'));
        }, deadline);

        this.#items.push(item);
        this.flush();

        return promise;
    }


    /* sends what was not sent yet, in order; nothing is sent during a pause */
    flush() {
        const inFlight = this.#items.filter((item) => item.inFlight).length;

        if (this.#pause !== null || this.#client.state !== 'online') {
            return;
        }

        this.#items.filter((item) => !item.inFlight)
                   .slice(0, MAX_IN_FLIGHT - inFlight)
                   .forEach((item) => this.#try(item));
    }


    /* there is nowhere to send it to any more */
    stop(error) {
        clearTimeout(this.#pause);
        this.#pause = null;

        for (const item of this.#items) {
            this.#fail(item, error);
        }
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

            if (error.retryable && this.#mayWait(item, error)) {
                this.#hold(error, item.attempt++);
            } else {
                this.#fail(item, error);
            }
        }

        this.flush();
    }


    /* slow mode may ask for more patience than there is */
    #mayWait(item, { retryAfter = 0 }) {
        return Date.now() + retryAfter * 1000 < item.end;
    }


    /* what comes after a message that has to wait waits too, to keep order */
    #hold(error, attempt) {
        if (error.code === 'offline' || this.#pause !== null) {
            return;
        }

        this.#pause = setTimeout(() => {
            this.#pause = null;
            this.flush();
        }, retryDelay(error, attempt));

        this.onHold(error);
    }


    #settle(item) {
        clearTimeout(item.timer);
        this.#items = this.#items.filter((other) => other !== item);
    }


    #fail(item, error) {
        this.#settle(item);
        item.reject(error);
    }
}

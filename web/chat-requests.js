/*
 * The requests of one connection that wait for their answers.
 */

import { ChatError } from './chat-retry.js';


export class Requests {

    #next = 1;
    #waiting = new Map();       /* id: {resolve, reject, timer} */

    /* a new one: its id, and a promise of the data of its reply */
    add(timeout) {
        const id = this.#next++;

        const reply = new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.#waiting.delete(id);
                reject(new ChatError('timeout', 'no answer'));
            }, timeout);

            this.#waiting.set(id, { resolve, reject, timer });
        });

        return { id, reply };
    }


    /* the answer to one of them; an error that answers none is returned */
    answer({ id, ok, data, error }) {
        const request = this.#waiting.get(id);

        if (request === undefined) {        /* it came too late, perhaps */
            return !ok && id === null ? error : null;
        }

        this.#waiting.delete(id);
        clearTimeout(request.timer);

        if (ok) {
            request.resolve(data ?? {});
        } else {
            request.reject(new ChatError(error.code, error.message,
                                         error.retryAfter));
        }

        return null;
    }


    /* the connection is gone, and the answers with it */
    lose() {
        const all = [...this.#waiting.values()];

        this.#waiting.clear();

        for (const { timer, reject } of all) {
            clearTimeout(timer);
            reject(new ChatError('offline', 'connection lost'));
        }
    }
}

/*
 * A mark of the user in one conversation, read or delivered.  Only the highest
 * counts: one request is under way at most, what comes meanwhile is merged.
 */

import { retryDelay, sleep } from './chat-retry.js';

const REST = 300;               /* ms between two */


export class Mark {

    #client;
    #type;
    #id;
    #wanted = -1;
    #stored = -1;               /* what the server has; -1: that is not known */
    #busy = false;
    #attempt = 0;
    #turn = 0;                  /* counts resets: late answers are told */

    /* onStored(): the server has the mark.  may(): it may be told now */
    constructor(client, type, conversationId, { onStored, may = () => true }) {
        this.#client = client;
        this.onStored = onStored;
        this.may = may;
        this.#type = type;
        this.#id = conversationId;
    }


    set(sequenceNumber) {
        this.#wanted = Math.max(this.#wanted, sequenceNumber);
        this.flush();
    }


    /* the server has told where it is */
    know(sequenceNumber) {
        this.#stored = Math.max(this.#stored, sequenceNumber);
    }


    /* messages were lost: numbers begin anew */
    reset() {
        this.#turn++;
        this.#wanted = -1;
        this.#stored = -1;
    }


    async flush() {
        if (this.#busy || this.#wanted <= this.#stored
            || this.#client.state !== 'online' || !this.may())
        {
            return;
        }

        this.#busy = true;
        await sleep(await this.#send());
        this.#busy = false;
        this.flush();
    }


    /* one request; how long to wait after it, in ms */
    async #send() {
        const sequenceNumber = this.#wanted;
        const turn = this.#turn;

        try {
            await this.#client.request(this.#type, {
                conversationId: this.#id, sequenceNumber
            });

            this.#attempt = 0;

            if (turn === this.#turn) {
                this.know(sequenceNumber);
                this.onStored();
            }

        } catch (error) {
            if (error.retryable) {
                return retryDelay(error, this.#attempt++);
            }

            this.#wanted = -1;      /* it may not be */
        }

        return REST;
    }
}

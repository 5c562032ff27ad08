/*
 * The joins of a client: those that are wanted at the same time are one
 * request, and the next leaves when that is answered.
 */

import { ChatError } from './chat-retry.js';

const MAX_BATCH = 200;

/* codes after which each is tried alone: one of them is at fault, or the
   server knows no batches */
const ALONE = new Set(['bad_request', 'unsupported']);


export class Joins {

    #client;
    #wanted = new Map();        /* conversation's id -> {feed, waiters} */
    #running = false;

    constructor(client) {
        this.#client = client;
    }


    /* resolves with what the join is answered with, or rejects */
    join(feed) {
        return new Promise((resolve, reject) => {
            const wanted = this.#wanted.get(feed.id) ?? { feed, waiters: [] };

            wanted.waiters.push({ resolve, reject });
            this.#wanted.set(feed.id, wanted);

            if (!this.#running) {
                this.#running = true;
                queueMicrotask(() => this.#run());
            }
        });
    }


    async #run() {
        while (this.#wanted.size > 0) {
            const batch = [...this.#wanted.values()].slice(0, MAX_BATCH);

            for (const { feed } of batch) {
                this.#wanted.delete(feed.id);
            }

            await this.#joinAll(batch);
        }

        this.#running = false;
    }


    async #joinAll(batch) {
        if (batch.length === 1) {
            await this.#joinOne(batch[0]);
            return;
        }

        try {
            const { conversations } = await this.#client.request(
                'conversation.join', { conversations: batch.map(position) });

            batch.forEach((wanted, i) => answer(wanted, conversations[i]));

        } catch (error) {
            if (!ALONE.has(error.code)) {
                batch.forEach((wanted) => refuse(wanted, error));
                return;
            }

            for (const wanted of batch) {
                await this.#joinOne(wanted);
            }
        }
    }


    async #joinOne(wanted) {
        try {
            answer(wanted, await this.#client.request('conversation.join',
                                                      position(wanted)));
        } catch (error) {
            refuse(wanted, error);
        }
    }
}


/* where it is now, not when it was asked for */

function position({ feed: { id, revision } }) {
    return { conversationId: id, afterRevision: revision ?? undefined };
}


function answer({ waiters }, join) {
    if (join.error !== undefined) {
        const { code, message, retryAfter } = join.error;

        refuse({ waiters }, new ChatError(code, message, retryAfter));
        return;
    }

    for (const { resolve } of waiters) {
        resolve(join);
    }
}


function refuse({ waiters }, error) {
    for (const { reject } of waiters) {
        reject(error);
    }
}

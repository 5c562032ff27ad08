/*
 * Who of a conversation is there: asked for whenever it is joined, as long as
 * it is wanted.  Of small ones each member is told, of large ones a count.
 */

import { retryDelay, sleep } from './chat-retry.js';


export class Roster {

    #client;
    #id;
    #wanted = false;
    #live = false;
    #told = false;              /* the server knows that it is wanted */
    #turn = 0;

    /* onTold({size, online, members}): members is null if they are not told */
    constructor(client, conversationId, onTold) {
        this.#client = client;
        this.#id = conversationId;
        this.onTold = onTold;
    }


    get wanted() {
        return this.#wanted;
    }


    watch() {
        if (!this.#wanted) {
            this.#wanted = true;
            this.#ask();
        }
    }


    unwatch() {
        this.#wanted = false;
        this.#turn++;
        this.#client.presence._endRoster(this.#id);

        if (this.#told) {
            this.#told = false;
            this.#client.request('presence.get', { conversationId: this.#id,
                                                   subscribe: false })
                .catch(() => { /* gone with the connection, then */ });
        }
    }


    /* joined, perhaps anew */
    live() {
        this.#live = true;
        this.#ask();
    }


    /* it is over, or nobody listens to it any more */
    end() {
        this.offline();
        this.#wanted = false;
        this.#client.presence._endRoster(this.#id);
    }


    offline() {
        this.#live = false;
        this.#told = false;
        this.#turn++;
    }


    /* of a large conversation: the event presence.count */
    count({ online }) {
        if (this.#wanted) {
            this.onTold({ online, members: null });
        }
    }


    async #ask() {
        const turn = ++this.#turn;
        const isOld = () => turn !== this.#turn;

        for (let attempt = 0; this.#wanted && this.#live && !isOld(); ) {
            try {
                const reply = await this.#client.request('presence.get', {
                    conversationId: this.#id, subscribe: true
                });

                if (!isOld()) {
                    this.#told = true;
                    this.#client.presence._roster(this.#id, reply.members);
                    this.onTold(reply);
                }

                return;

            } catch (error) {
                /* it comes back with the join, or nothing can be known */
                if (isOld() || !error.retryable || error.code === 'offline') {
                    return;
                }

                await sleep(retryDelay(error, attempt++));
            }
        }
    }
}

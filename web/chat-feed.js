/*
 * The durable events of one conversation, in the order of their revisions,
 * none missing and none twice: joins it, goes on where it was, and knows when
 * there is nothing more to come.
 */

import { retryDelay, sleep } from './chat-retry.js';


export class Feed {

    #client;
    #turn = 0;                  /* counts joins: late answers are dropped */
    #live = false;
    #fresh = true;              /* nothing was told of what was before */
    #early = [];                /* events that came before the join's answer */
    #joined = null;             /* the answer to the last join */
    #end = null;                /* what onEnd is told */

    /*
     * on: event(frame), reset(), live(detail), failed(error) and end(detail),
     * which are what Conversation tells by the same names.
     */
    constructor(client, id, on) {
        this.#client = client;
        this.on = on;
        this.id = id;
        this.revision = null;   /* the highest that was applied */
        this.sequenceNumber = 0;
    }


    get live() {
        return this.#live;
    }


    online() {
        this.#join();
    }


    offline() {
        this.#turn++;
        this.#live = false;
        this.#early = [];
    }


    /* conversation.reset, or an event with a revision */
    event(frame) {
        if (frame.type === 'conversation.reset') {
            this.#reset();
            this.#join();

        } else if (this.#live) {
            this.#apply(frame);
            this.#checkEnd();

        } else {
            this.#early.push(frame);
        }
    }


    /* -- events ---------------------------------------------------------- */

    #reset() {
        this.revision = null;
        this.#early = [];
        this.#forget();
    }


    #forget() {
        this.sequenceNumber = 0;
        this.#fresh = true;
        this.on.reset();
    }


    #apply(frame) {
        const { revision, sequenceNumber } = frame.data;

        if (this.revision !== null && revision <= this.revision) {
            return;
        }

        this.revision = revision;
        this.#watchEnd(frame);
        this.sequenceNumber = Math.max(this.sequenceNumber,
                                       sequenceNumber ?? 0);
        this.on.event(frame);
    }


    /*
     * An end may be followed by a new beginning among the events of one
     * answer: who was removed is a member again, what was deleted was made
     * again, with messages from 1 on.
     */
    #watchEnd({ type, data }) {
        const own = data.userId === this.#client.userId;

        if (type === 'conversation.deleted') {
            this.#end = { reason: 'deleted' };

        } else if (type === 'member.left' && own) {
            this.#end = { reason: 'left', role: data.role };

        } else if (type === 'member.joined' && own) {
            this.#end = null;

        } else if (type === 'conversation.created' && this.#end !== null) {
            this.#end = null;
            this.#forget();
        }
    }


    #checkEnd() {
        if (this.#end === null) {
            return false;
        }

        this.#turn++;
        this.#live = false;
        this.on.end(this.#end);

        return true;
    }


    /* -- joining --------------------------------------------------------- */

    /* joins, again until nothing is missing */
    async #join() {
        const turn = ++this.#turn;

        this.#live = false;

        for (let attempt = 0, complete = false; !complete; ) {
            try {
                const reply = await this.#client._join(this);

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
                    this.#onRefused(error);
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


    /* to those who may not see it a conversation does not exist */
    #onRefused(error) {
        if (error.code === 'not_found' && this.revision !== null) {
            this.#end ??= { reason: 'gone' };
            this.#checkEnd();

        } else {
            this.on.failed(error);
        }
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
        this.#joined = reply;
    }


    #goLive() {
        const early = this.#early;
        const fresh = this.#fresh;
        const { role, lastReadSequence } = this.#joined;

        this.#early = [];

        if (this.#checkEnd()) {
            return;
        }

        this.#live = true;
        this.#fresh = false;
        this.on.live({ sequenceNumber: this.sequenceNumber, fresh, role,
                       lastReadSequence });

        for (const frame of early) {
            this.#apply(frame);
        }

        this.#checkEnd();
    }
}

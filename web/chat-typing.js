/*
 * Typing in one conversation: that the user does is told now and then while he
 * does, and who else does is known until that ends.
 */

const AGAIN = 3000;             /* ms between two that say the same */
const END = 6000;               /* then the server takes it back by itself */
const LONGEST = 10000;          /* that anybody is believed to type */


export class Typing {

    #client;
    #id;
    #next = 0;                  /* not before, by performance.now() */
    #until = 0;

    constructor(client, conversationId) {
        this.#client = client;
        this.#id = conversationId;
    }


    /* something was typed; nobody is told of who is invisible, so why say it */
    input() {
        const now = performance.now();
        const { presence } = this.#client;

        if (now >= this.#next && presence.own?.status !== 'invisible') {
            this.#next = now + AGAIN;
            this.#until = now + END;
            this.#tell('typing.start');
        }
    }


    /* it was given up */
    stop() {
        if (performance.now() < this.#until) {
            this.#tell('typing.stop');
            this.#next = 0;
        }

        this.#until = 0;
    }


    /* a message was sent, or the connection is lost: that ends it, too */
    over() {
        this.#next = 0;
        this.#until = 0;
    }


    async #tell(type) {
        try {
            await this.#client.request(type, { conversationId: this.#id });

        } catch ({ code, retryAfter = 1 }) {
            if (code === 'rate_limited') {
                this.#next = performance.now() + retryAfter * 1000;

            } else if (code === 'unsupported') {
                this.#next = Infinity;
            }
        }
    }
}


export class Typists {

    #client;
    #typists = new Map();       /* user id: {displayName, timer} */

    constructor(client, onChange) {
        this.#client = client;
        this.onChange = onChange;
    }


    /* in the order in which they began: [{userId, displayName}] */
    get list() {
        return Array.from(this.#typists, ([userId, { displayName }]) =>
            ({ userId, displayName }));
    }


    /* typing.started or typing.stopped; of oneself it is another device */
    event({ type, data: { userId, displayName, expiresAt } }) {
        if (type === 'typing.stopped') {
            this.remove(userId);

        } else if (userId !== this.#client.userId) {
            this.#add(userId, displayName,
                      Date.parse(expiresAt) - this.#client.now());
        }
    }


    remove(userId) {
        const typist = this.#typists.get(userId);

        if (typist !== undefined) {
            clearTimeout(typist.timer);
            this.#typists.delete(userId);
            this.onChange();
        }
    }


    clear() {
        for (const userId of this.#typists.keys()) {
            this.remove(userId);
        }
    }


    #add(userId, displayName, ms) {
        const before = this.#typists.get(userId);

        if (!(ms > 0)) {
            return;
        }

        clearTimeout(before?.timer);
        this.#typists.set(userId, {
            displayName,
            timer: setTimeout(() => this.remove(userId), Math.min(ms, LONGEST))
        });

        if (before === undefined) {
            this.onChange();
        }
    }
}

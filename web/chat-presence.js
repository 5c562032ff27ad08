/*
 * Who is there, of those whom the client asks about, and what the user wants
 * to be seen as.  Made by ChatClient, as client.presence.  Events:
 *
 *     change    {userId, status, lastSeen, text?}: somebody's state is known,
 *               or is another.  status is "online", "away", "busy" or
 *               "offline"; lastSeen a time or null.
 *     own       {status, text}: what the user chose, on whichever device:
 *               "online", "away", "busy" or "invisible"
 *
 * Whom one may not ask about looks offline, and was never seen.
 */

import { retryDelay, sleep } from './chat-retry.js';

const MAX_BATCH = 200;          /* users in one request */


export class Presence extends EventTarget {

    #client;
    #wanted = new Set();        /* user ids, oneself left out */
    #asked = new Set();         /* the same, of this connection */
    #refused = new Set();       /* by this connection: there are too many */
    #rosters = new Map();       /* id of a conversation: its members, if told */
    #states = new Map();
    #turn = 0;                  /* counts connections */
    #running = false;
    #own = null;
    #sure = false;              /* that it is so still */
    #hiding = 0;                /* requests to become invisible, under way */
    #changes = Promise.resolve();

    constructor(client) {
        super();
        this.#client = client;
        this.supported = true;      /* until the server says that it is not */
    }


    /* -- the user --------------------------------------------------------- */

    /* {status, text}, or null while it is not known */
    get own() {
        return this.#own;
    }


    /*
     * May others learn that the user is there, as by marks that are sent
     * without his doing?  Not while he is invisible, or could be.
     */
    get open() {
        return !this.supported
               || this.#sure && this.#hiding === 0
                  && this.#own.status !== 'invisible';
    }


    /* of all devices, from now on; text: up to 128 characters */
    set(status, text = '') {
        const hiding = status === 'invisible' ? 1 : 0;
        const change = this.#changes.then(() => this.#client.call(
            'presence.set', { status, text }));

        /* one after the other: what is tried again must not win */
        this.#changes = change.catch(() => { /* its caller is told */ });
        this.#hiding += hiding;

        return change.then(() => this.#setOwn({ status, text }))
                     .finally(() => this.#reveal(hiding));
    }


    #reveal(hiding) {
        this.#hiding -= hiding;

        if (hiding > 0) {
            this.#emit('own', this.#own);
        }
    }


    #setOwn({ status, text = '' }) {
        this.#own = { status, text };
        this.#sure = true;
        this.#emit('own', this.#own);
    }


    /* -- others ----------------------------------------------------------- */

    /* {userId, status, lastSeen, text?}, or undefined while it is not known */
    stateOf(userId) {
        return this.#states.get(userId);
    }


    /*
     * Tells of these users, through all reconnects.  Who looked offline since
     * nothing was shared, and now something is, has to be asked about again.
     */
    subscribe(userIds) {
        for (const userId of userIds) {
            if (userId !== this.#client.userId) {
                this.#wanted.add(userId);
                this.#asked.delete(userId);
            }
        }

        this.#schedule();
    }


    unsubscribe(userIds) {
        for (const userId of userIds) {
            this.#wanted.delete(userId);
            this.#drop(userId);
        }

        this.#schedule();
    }


    /* -- what the client and its conversations tell ----------------------- */

    _online() {
        this.#turn++;
        this.#running = false;
        this.supported = true;
        this.#wanted.delete(this.#client.userId);
        this.#schedule();
    }


    _offline() {
        this.#turn++;
        this.#asked.clear();
        this.#refused.clear();
        this.#sure = false;
    }


    _event({ type, data }) {
        if (type === 'presence.changed') {
            this.#note(data);
        }
    }


    /* the members of a conversation that is watched; null: they are not told */
    _roster(conversationId, members) {
        this.#rosters.set(conversationId,
                          new Set(members?.map(({ userId }) => userId)));

        for (const state of members ?? []) {
            if (state.userId !== this.#client.userId) {
                this.#note(state);
            }
        }
    }


    _endRoster(conversationId) {
        const members = this.#rosters.get(conversationId) ?? [];

        this.#rosters.delete(conversationId);

        /* those who came to it later are in no list */
        for (const userId of this.#rosters.size > 0 ? [...members]
                                                    : [...this.#states.keys()])
        {
            this.#drop(userId);
        }
    }


    #drop(userId) {
        const listed = Array.from(this.#rosters.values());

        if (!this.#wanted.has(userId)
            && !listed.some((members) => members.has(userId)))
        {
            this.#states.delete(userId);
        }
    }


    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }


    /* what was under way when it was given up is no news */
    #note(state) {
        const { userId } = state;

        if (userId === this.#client.userId) {
            this.#setOwn(state);

        } else if (this.#wanted.has(userId) || this.#rosters.size > 0) {
            this.#states.set(userId, state);
            this.#emit('change', state);
        }
    }


    /* -- asking ----------------------------------------------------------- */

    /* what is asked for in one go is one request */
    #schedule() {
        if (!this.#running && this.#client.state === 'online') {
            this.#running = true;
            queueMicrotask(() => this.#run(this.#turn));
        }
    }


    async #run(turn) {
        let attempt = 0;

        while (turn === this.#turn && this.supported) {
            const step = this.#next();

            if (step === null) {
                break;
            }

            try {
                await this.#take(step, turn);
                attempt = 0;

            } catch (error) {
                if (turn !== this.#turn) {
                    return;
                }

                if (error.retryable) {
                    this.#doubt();
                    await sleep(retryDelay(error, attempt++));
                } else {
                    this.#onRefused(step, error);
                }
            }
        }

        if (turn === this.#turn) {
            this.#running = false;
        }
    }


    /* those whom nobody wants make room for others */
    #next() {
        const self = this.#client.userId;
        const wanted = [self, ...this.#wanted];
        const known = (id) => this.#asked.has(id) || this.#refused.has(id);
        const old = Array.from(this.#asked).filter(
            (id) => id !== self && !this.#wanted.has(id));
        const fresh = wanted.filter((id) => !known(id));

        if (old.length > 0) {
            return { type: 'presence.unsubscribe',
                     userIds: old.slice(0, MAX_BATCH) };
        }

        return fresh.length === 0 ? null
            : { type: 'presence.subscribe',
                userIds: fresh.slice(0, MAX_BATCH) };
    }


    async #take({ type, userIds }, turn) {
        const { states } = await this.#client.request(type, { userIds });

        if (turn !== this.#turn) {
            return;
        }

        if (type === 'presence.unsubscribe') {
            userIds.forEach((id) => this.#asked.delete(id));
            this.#refused.clear();
        } else {
            userIds.forEach((id) => this.#asked.add(id));
            states.forEach((state) => this.#note(state));
        }
    }


    #onRefused({ type, userIds }, error) {
        if (error.code === 'unsupported') {
            this.supported = false;
            this.#emit('own', this.#own);

        } else if (type === 'presence.unsubscribe') {
            userIds.forEach((id) => this.#asked.delete(id));

        } else {
            userIds.forEach((id) => this.#refused.add(id));
        }
    }


    /* what was chosen before stands until something else is told */
    #doubt() {
        if (this.#own !== null && !this.#sure) {
            this.#setOwn(this.#own);
        }
    }
}

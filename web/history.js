/*
 * The messages of a room as far as they were loaded: always those at the end,
 * without a gap.  What is older is loaded page by page.  Before the first page
 * there is only the last message.
 */

import { Messages, readMessage } from './messages.js';

const PAGE = 50;
const MAX_KEPT = 600;       /* messages; older ones are loaded again */
const KEEP = 400;
const MAX_SEARCHED = 20;    /* pages, for a message that is quoted */


export class History {

    #conversation;
    #store = new Messages();
    #during = [];               /* events while a page is loaded */
    #turn = 0;                  /* counts resets: late pages are dropped */

    /*
     * conversation(): where to load from, null: nowhere.  onChange(bulk).
     * onMessage(data): a message was heard of.  onFailed(error): there will be
     * none.
     */
    constructor({ conversation, onChange, onMessage, onFailed }) {
        this.#conversation = conversation;
        this.onChange = onChange;
        this.onMessage = onMessage;
        this.onFailed = onFailed;
        this.last = null;
        this.loaded = false;        /* there is something to show */
        this.complete = false;      /* the first message is among it */
        this.loading = false;
    }


    get list() {
        return this.#store.list;
    }


    find(messageId) {
        return this.#store.find(messageId);
    }


    clear() {
        this.#turn++;
        this.#store.clear();
        this.last = null;
        this.loaded = false;
        this.complete = false;
        this.loading = false;
    }


    /* nothing is heard any more: all but the last would have gaps later */
    drop() {
        const { last } = this;

        this.clear();
        this.last = last;
    }


    /* the user reads the end: what is far above need not be kept */
    trim() {
        if (this.list.length > MAX_KEPT && !this.loading) {
            this.#store.keep(KEEP);
            this.complete = false;
        }
    }


    /* -- what happens ---------------------------------------------------- */

    /* an event about a message or a reaction */
    apply(frame) {
        const { type, data } = frame;

        if (this.loading) {
            this.#during.push(frame);
        }

        if (!type.startsWith('reaction.')) {
            this.put(data);

        } else if (this.loaded) {
            this.#store.react(data, type === 'reaction.added');
        }
    }


    /* a message in one of its states */
    put(data) {
        this.note(data);

        if (this.#holds(data.sequenceNumber)) {
            this.#store.put(data);
        }
    }


    /* the same, where nothing is known of what was before it */
    note(data) {
        const { sequenceNumber, revision } = this.last ?? {};

        if (this.last === null || data.sequenceNumber > sequenceNumber
            || data.sequenceNumber === sequenceNumber
               && data.revision >= revision)
        {
            this.last = readMessage(data);
        }

        this.onMessage(data);
    }


    /* what is older than all that is loaded will be loaded with them */
    #holds(sequenceNumber) {
        const first = this.#store.first?.sequenceNumber ?? 0;

        return this.loaded && (this.complete || sequenceNumber >= first);
    }


    /* -- loading --------------------------------------------------------- */

    /* a page of history; true: there it is */
    async load(range = {}) {
        const turn = this.#turn;
        let page;

        this.loading = true;
        this.#during = [];
        this.onChange(true);

        try {
            page = await this.#conversation().history({ ...range,
                                                        limit: PAGE });

        } catch (error) {
            if (turn === this.#turn) {
                this.loading = false;
                this.#onNotLoaded(range, error);
            }
            return false;
        }

        if (turn !== this.#turn) {
            return false;
        }

        this.#add(page);

        return true;
    }


    /* false: there is nothing older, or it cannot be had now */
    async loadOlder() {
        if (this.loading || this.complete || !this.loaded
            || this.#conversation() === null)
        {
            return false;
        }

        return this.load({ beforeSequence: this.#store.first.sequenceNumber });
    }


    /* a line for the list of conversations is all that is needed */
    async loadLast() {
        const turn = this.#turn;

        try {
            const page = await this.#conversation().history({ limit: 1 });

            if (turn === this.#turn) {
                page.messages.forEach((message) => this.note(message));
                this.onChange(false);
            }
        } catch {
            /* the list of conversations will tell */
        }
    }


    /* a message that may be further up than what is loaded; or undefined */
    async fetch(messageId) {
        for (let page = 0; page < MAX_SEARCHED; page++) {
            if (this.find(messageId) !== undefined
                || !await this.loadOlder())
            {
                break;
            }
        }

        return this.find(messageId);
    }


    /* what happened meanwhile may be in it or not: it is applied once more */
    #add({ messages, complete }) {
        for (const message of messages) {
            this.note(message);
            this.#store.put(message, { whole: true });
        }

        this.loaded = true;
        this.loading = false;
        this.complete = complete || this.#store.first?.sequenceNumber === 1;
        this.#during.splice(0).forEach((frame) => this.apply(frame));
        this.onChange(true);
    }


    #onNotLoaded(range, error) {
        if (this.#conversation() === null) {
            return;
        }

        if (error.retryable) {
            this.load(range);       /* storage is away, for a while */
        } else {
            this.onFailed(error);
        }
    }
}

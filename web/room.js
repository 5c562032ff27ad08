/*
 * What the page knows of one conversation: the messages that the server has,
 * in their order, and after them those that it does not have yet.
 *
 * Events: "change", with {bulk}: many messages at once, not to be announced.
 */

import { uuidv7 } from './chat.js';
import { senderName, textOf } from './text.js';

const PAGE = 50;
const MAX_KEPT = 600;       /* messages; older ones are loaded again */
const KEEP = 400;


export class Room extends EventTarget {

    #conversation;
    #me;
    #messages = [];
    #pending = [];

    constructor(client, id, name, me) {
        super();
        this.id = id;
        this.name = name;
        this.unread = 0;
        this.loaded = false;        /* there is something to show */
        this.complete = false;      /* the first message is among it */
        this.loading = false;
        this.failure = null;
        this.seen = false;          /* the user is looking at it */
        this.#me = me;
        this.#conversation = client.conversation(id);

        const on = (type, handler) => {
            this.#conversation.addEventListener(type,
                                                (e) => handler(e.detail));
        };

        on('event', (frame) => this.#onEvent(frame));
        on('reset', () => this.#onReset());
        on('live', ({ fresh }) => this.#onLive(fresh));
        on('failed', (error) => this.#onFailed(error));
    }


    /* all of them, as they are shown */
    get messages() {
        return [...this.#messages, ...this.#pending];
    }


    get last() {
        return this.#pending.at(-1) ?? this.#messages.at(-1);
    }


    markSeen() {
        this.unread = 0;
    }


    send(text) {
        const message = {
            clientMessageId: uuidv7(),
            senderId: this.#me.userId,
            content: this.#content(text),
            date: new Date(),
            mine: true,
            state: 'sending'
        };

        this.#pending.push(message);
        this.#deliver(message);
    }


    /* what failed, under the id that it had */
    retry(clientMessageId) {
        const message = this.#pending.find(
            (m) => m.clientMessageId === clientMessageId);

        if (message?.state === 'failed') {
            message.state = 'sending';
            this.#deliver(message);
        }
    }


    async loadOlder() {
        if (this.loading || this.complete || !this.loaded) {
            return;
        }

        await this.#load({ beforeSequence: this.#messages[0]?.sequenceNumber });
    }


    /* the user reads the end: what is far above need not be kept */
    trim() {
        if (this.#messages.length > MAX_KEPT) {
            this.#messages = this.#messages.slice(-KEEP);
            this.complete = false;
            this.#changed();
        }
    }


    /* -- what happens ---------------------------------------------------- */

    #changed(bulk = false) {
        this.dispatchEvent(new CustomEvent('change', { detail: { bulk } }));
    }


    #onLive(fresh) {
        this.failure = null;

        if (fresh || !this.loaded && !this.loading) {
            this.#load({});
        } else {
            this.#changed();
        }
    }


    #onReset() {
        this.#messages = [];
        this.loaded = false;
        this.complete = false;
        this.#changed(true);
    }


    #onFailed(error) {
        this.failure = error;
        this.#changed(true);
    }


    #onEvent({ type, data }) {
        switch (type) {
        case 'message.created':
            this.#add(data);

            if (data.senderId !== this.#me.userId && !this.seen) {
                this.unread++;
            }
            break;

        case 'message.updated':
            this.#change(data.sequenceNumber, { content: data.content,
                                                edited: true });
            break;

        case 'message.deleted':
            this.#change(data.sequenceNumber, { content: null });
            break;

        case 'conversation.created':
        case 'conversation.updated':
            this.name = data.name ?? this.name;
            break;
        }

        this.#changed();
    }


    async #load(range) {
        this.loading = true;
        this.#changed(true);

        try {
            const page = await this.#conversation.history({ ...range,
                                                            limit: PAGE });

            page.messages.forEach((message) => this.#add(message));
            this.loaded = true;
            this.complete = page.messages.length === 0
                            || this.#messages[0]?.sequenceNumber === 1;

        } catch (error) {
            this.loading = false;

            if (error.retryable) {
                this.#load(range);      /* storage is away, for a while */
            } else {
                this.#onFailed(error);
            }
            return;
        }

        this.loading = false;
        this.#changed(true);
    }


    /* -- messages -------------------------------------------------------- */

    /* a text, and the name where the id of its sender does not tell it */
    #content(text) {
        const content = { type: 'text', text };

        if (!this.#me.readable) {
            content.name = this.#me.name;
        }

        return content;
    }


    async #deliver(message) {
        const { clientMessageId, content } = message;

        this.#changed();

        try {
            const ack = await this.#conversation.send(content,
                                                      { clientMessageId });
            this.#add({ ...ack, content, senderId: message.senderId });

        } catch (error) {
            message.state = 'failed';
            message.error = error.message;
        }

        this.#changed();
    }


    /* each message once, by its number, wherever it came from */
    #add(data) {
        const message = {
            ...data,
            date: new Date(data.timestamp),
            mine: data.senderId === this.#me.userId,
            state: 'sent'
        };

        if (message.mine) {
            this.#pending = this.#pending.filter(
                (m) => m.clientMessageId !== data.clientMessageId);
        }

        const at = this.#place(data.sequenceNumber);

        if (this.#messages[at]?.sequenceNumber !== data.sequenceNumber) {
            this.#messages.splice(at, 0, message);
        }
    }


    #change(sequenceNumber, changes) {
        const message = this.#messages[this.#place(sequenceNumber)];

        if (message?.sequenceNumber === sequenceNumber) {
            Object.assign(message, changes);
        }
    }


    /* where a number is, or would be; most are at the end */
    #place(sequenceNumber) {
        let at = this.#messages.length;

        while (at > 0
               && this.#messages[at - 1].sequenceNumber >= sequenceNumber)
        {
            at--;
        }

        return at;
    }


    /* a line for the list of conversations */
    preview() {
        const last = this.last;

        if (last === undefined) {
            return '';
        }

        const who = last.mine ? 'You' : senderName(last);

        return `${who}: ${textOf(last.content ?? '')}`;
    }
}

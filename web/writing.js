/*
 * What the user writes in one room: messages that the server does not have
 * yet, changes of those that it has, and how long slow mode makes him wait.
 */

import { uuidv7 } from './chat-id.js';
import { isReadable } from './people.js';
import { isModerator } from './rights.js';


export class Writing {

    #room;
    #client;
    #me;
    #pending = [];
    #heldUntil = 0;             /* by the server's clock: it has said so */
    #lastOwn = 0;               /* when the user has last sent */

    /* onChange().  onSent(): the server has a message of the user */
    constructor(room, client, me, { onChange, onSent }) {
        this.#room = room;
        this.#client = client;
        this.#me = me;
        this.onChange = onChange;
        this.onSent = onSent;
    }


    /* messages that the server does not have yet */
    get pending() {
        return this.#pending;
    }


    /* -- slow mode ------------------------------------------------------- */

    /* how long the user has to wait, in ms */
    get wait() {
        const { slowMode } = this.#room;
        const slow = slowMode > 0 && !isModerator(this.#room)
            ? this.#lastOwn + slowMode * 1000 : 0;

        return Math.max(this.#heldUntil, slow) - this.#client.now();
    }


    /* the server has refused; what else is limited passes by itself */
    hold({ code, retryAfter }) {
        if (code === 'rate_limited' && this.#room.slowMode > 0) {
            this.#heldUntil = this.#client.now() + (retryAfter ?? 1) * 1000;
            this.onChange();
        }
    }


    /* slow mode is another one */
    release() {
        this.#heldUntil = 0;
    }


    /* -- new messages ---------------------------------------------------- */

    /* more: replyTo, mentions, attachments */
    send(text, more = {}) {
        const message = {
            clientMessageId: uuidv7(this.#client.now()),
            senderId: this.#me.userId,
            content: this.#content(text),
            mentions: [],
            attachments: [],
            reactions: new Map(),
            ...more,
            more,
            date: new Date(),
            mine: true,
            deleted: false,
            state: 'sending',
            version: 0
        };

        this.#pending.push(message);
        this.#deliver(message);
    }


    /* what failed, under the id that it had */
    retry(message) {
        if (message.state === 'failed') {
            message.state = 'sending';
            message.version++;
            this.#deliver(message);
        }
    }


    /* what failed is given up */
    discard(message) {
        this.#pending = this.#pending.filter((other) => other !== message);
        this.onChange();
    }


    /* the server has it, whoever says so */
    settle({ clientMessageId, timestamp }) {
        this.#pending = this.#pending.filter(
            (message) => message.clientMessageId !== clientMessageId);
        this.#lastOwn = Math.max(this.#lastOwn, Date.parse(timestamp));
    }


    /* a text, and the name where the id of its sender does not tell it */
    #content(text) {
        const content = { type: 'text', text };

        if (!isReadable(this.#me.userId, this.#me.name)) {
            content.name = this.#me.name;
        }

        return content;
    }


    async #deliver(message) {
        const { clientMessageId, content, senderId, more } = message;
        const { conversation, history } = this.#room;

        this.onChange();

        try {
            const ack = await conversation.send(content,
                                                { clientMessageId, ...more });

            history.put({ ...ack, ...more, content, senderId });
            this.onSent();

        } catch (error) {
            message.state = 'failed';
            message.version++;
            message.error = error;
            this.hold(error);
        }

        this.onChange();
    }


    /* -- changes --------------------------------------------------------- */

    async edit(message, text) {
        const content = this.#content(text);
        const { conversation, history } = this.#room;

        message.saving = true;
        message.version++;
        this.onChange();

        try {
            const { revision } = await conversation.edit(message.id, content);

            if (!message.deleted) {
                history.put({ ...message, reactions: undefined, content,
                              editedAt: new Date().toISOString(), revision });
            }

        } finally {
            message.saving = false;
            message.version++;
            this.onChange();
        }
    }


    /* the user's own reaction, on or off */
    async react(message, emoji) {
        const { conversation } = this.#room;
        const own = message.reactions.get(emoji)?.has(this.#me.userId);

        if (own) {
            await conversation.removeReaction(message.id, emoji);
        } else {
            await conversation.addReaction(message.id, emoji);
        }
    }


    /* the user is writing something here, or not any more */
    typing() {
        this.#room.conversation?.typing();
    }


    stopTyping() {
        this.#room.conversation?.stopTyping();
    }
}

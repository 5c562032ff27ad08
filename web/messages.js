/*
 * The messages of a conversation that the page holds: in the order of their
 * sequence numbers, each in its latest state, wherever it came from.
 *
 * An event may come before or after the page of history that has its effect
 * already.  So the state of a message is replaced only by one of a higher
 * revision, and a reaction can be applied twice.
 *
 * Of an old range only the latest state of each message is told, and the
 * revision of that may be higher than that of a reaction to it: the reaction
 * comes first, and waits for its message.
 */

import { timeOf } from './chat-id.js';
import { isSelf, meet } from './people.js';

const MAX_EARLY = 1000;         /* messages that reactions wait for */


export class Messages {

    #list = [];
    #byId = new Map();
    #early = new Map();         /* message id: reactions that came before it */

    get list() {
        return this.#list;
    }


    get first() {
        return this.#list[0];
    }


    get last() {
        return this.#list.at(-1);
    }


    find(id) {
        return this.#byId.get(id);
    }


    clear() {
        this.#list = [];
        this.#byId.clear();
        this.#early.clear();
    }


    /* forgets all but the last n */
    keep(n) {
        for (const { id } of this.#list.splice(0, this.#list.length - n)) {
            this.#byId.delete(id);
        }
    }


    /*
     * Data of message.created, message.updated or message.deleted, or an
     * element of history, which alone tells of reactions (whole).
     */
    put(data, { whole = false } = {}) {
        const at = this.#place(data.sequenceNumber);
        const old = this.#list[at];

        if (old?.sequenceNumber !== data.sequenceNumber) {
            const message = readMessage(data);

            this.#list.splice(at, 0, message);
            this.#byId.set(message.id, message);
            this.#catchUp(message, whole);

        } else if (data.revision >= old.revision) {
            const reactions = whole ? readReactions(data) : old.reactions;

            Object.assign(old, readMessage(data), { version: old.version + 1 });
            old.reactions = old.deleted ? new Map() : reactions;
        }
    }


    /* of a user and an emoji, added or removed */
    react({ messageId, userId, emoji }, added) {
        const message = this.#byId.get(messageId);

        if (message === undefined) {
            this.#wait(messageId, { messageId, userId, emoji }, added);
            return;
        }

        if (message.deleted) {
            return;
        }

        const users = message.reactions.get(emoji) ?? new Set();

        if (added) {
            users.add(userId);
            message.reactions.set(emoji, users);

        } else if (users.delete(userId) && users.size === 0) {
            message.reactions.delete(emoji);
        }

        message.version++;
    }


    #wait(messageId, reaction, added) {
        const waiting = this.#early.get(messageId) ?? [];

        this.#early.set(messageId, [...waiting, [reaction, added]]);

        if (this.#early.size > MAX_EARLY) {
            this.#early.delete(this.#early.keys().next().value);
        }
    }


    /* an element of history has them already */
    #catchUp({ id }, whole) {
        const waiting = this.#early.get(id) ?? [];

        this.#early.delete(id);

        if (!whole) {
            waiting.forEach(([data, added]) => this.react(data, added));
        }
    }


    /* where a number is, or would be; most are at the end */
    #place(sequenceNumber) {
        let at = this.#list.length;

        while (at > 0 && this.#list[at - 1].sequenceNumber >= sequenceNumber) {
            at--;
        }

        return at;
    }
}


/* as the server tells it, as the page shows it */

export function readMessage(data) {
    const deleted = data.deletedAt !== undefined;

    if (!deleted) {
        meet(data.senderId, nameIn(data.content));
    }

    return {
        ...data,
        deleted,
        content: deleted ? null : data.content,
        mentions: data.mentions ?? [],
        attachments: data.attachments ?? [],
        date: deleted ? timeOf(data.id) : new Date(data.timestamp),
        mine: !deleted && isSelf(data.senderId),
        state: 'sent',
        saving: false,
        reactions: readReactions(data),
        version: 0
    };
}


/* messages of this page carry the name if the id of their sender does not */

function nameIn(content) {
    const name = content?.name;

    return typeof name === 'string' && content.type === 'text' && name !== ''
        ? name.slice(0, 64) : undefined;
}


function readReactions({ reactions = [] }) {
    return new Map(reactions.map(({ emoji, userIds }) =>
        [emoji, new Set(userIds)]));
}

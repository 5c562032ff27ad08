/*
 * What the server tells of conversations that are not joined: that there is a
 * new one, that one is over for the user, what is unread, and that somebody
 * has named him.  These are hints; the list of conversations is the truth.
 */

import { isSelf } from './people.js';

const SOON = 1000;              /* ms between two lists, at least: which */
const LATER = 5000;             /* there are, and what stands in them */


export class Hints {

    #rooms;

    constructor(client, rooms) {
        this.#rooms = rooms;
        client.addEventListener('event', (e) => this.#onEvent(e.detail));
    }


    #onEvent({ type, data }) {
        switch (type) {
        case 'unread.changed':
            data.conversations.forEach((unread) => this.#onUnread(unread));
            break;

        case 'notification':
            if (data.kind === 'mention') {
                this.#onMention(data);
            }
            break;

        case 'conversation.created':
            this.#onNew(data);
            break;

        case 'conversation.deleted':
            this.#absent(data)?.lose({ reason: 'deleted' });
            break;

        case 'member.joined':
        case 'member.updated':
        case 'member.left':
            if (isSelf(data.userId)) {
                this.#onMembership(type, data);
            }
            break;
        }
    }


    /* the room of an event, if it does not get that by itself */
    #absent({ conversationId }) {
        const room = this.#rooms.find(conversationId);

        return room?.conversation === null ? room : undefined;
    }


    /* it may be open already, by a link that led nowhere until now */
    #onNew({ conversationId }) {
        const room = this.#rooms.find(conversationId);

        if (!room?.listed) {
            room?.reopen();
            this.#rooms.refreshAfter(SOON);
        }
    }


    #onMembership(type, data) {
        if (type === 'member.left') {
            this.#absent(data)?.lose({ reason: 'left', role: data.role });

        } else if (type === 'member.joined') {
            this.#onNew(data);

        } else {
            this.#absent(data)?.setRole(data.role);
        }
    }


    /* what was said there is in the list only */
    #onUnread({ conversationId, sequenceNumber, unread }) {
        const room = this.#rooms.find(conversationId);

        if (room === undefined) {
            this.#rooms.refreshAfter(SOON);

        } else if (room.conversation === null
                   && room.noteUnread(sequenceNumber, unread))
        {
            this.#rooms.refreshAfter(LATER);
        }
    }


    /* perhaps in a channel that the user has never opened */
    #onMention({ conversationId, sequenceNumber, senderId }) {
        this.#rooms.get(conversationId).noteMention(sequenceNumber, senderId);
        this.#rooms.refreshAfter(SOON);
    }
}

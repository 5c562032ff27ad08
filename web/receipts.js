/*
 * Receipts of one room: what of it has come to the others and was read by
 * them, and that it has come to the user.
 */

import { isSelf } from './people.js';

const MAX_RECEIPTS = 100;       /* members; with more nobody is told */


export class Receipts {

    #room;

    constructor(room) {
        this.#room = room;
    }


    /* an event that passes */
    signal({ type, data: { userId, sequenceNumber } }) {
        const { members, reading } = this.#room;

        if (type === 'receipt.read') {
            if (this.#mayKnow(userId)) {
                members.setRead(userId, sequenceNumber);
            }

            /* another device of the user */
            if (isSelf(userId)) {
                reading.upTo(sequenceNumber);
            }

        } else if (type === 'receipt.delivered' && this.#mayKnow(userId)) {
            members.setDelivered(userId, sequenceNumber);
        }
    }


    /* senders of small conversations like to know that it arrived */
    acknowledge() {
        const { type, members, conversation, sequenceNumber } = this.#room;

        if (type === 'dm'
            || type === 'group' && members.total <= MAX_RECEIPTS)
        {
            conversation.markDelivered(sequenceNumber);
        }
    }


    /* who marks in a channel is a member, else it is one who was removed */
    #mayKnow(userId) {
        const { type, members } = this.#room;

        return type === 'channel' || members.get(userId) !== undefined;
    }
}

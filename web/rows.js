/*
 * The rows of the log: days, messages with their place in a group, tombstones,
 * where the unread ones begin, and who has read up to where.  Each has a key,
 * by which it is known again, and one of: day, gone, message, readers, none.
 */

import { keyOf } from './message.js';
import { dayKey } from './text.js';

const GROUP_GAP = 5 * 60000;    /* ms; then a sender is named again */


/*
 * divider: the number of the last message that was read when the room was
 * opened, or null.  readers: a map from messages to user ids.
 */

export function rowsOf(messages, { divider, readers }) {
    const rows = [];
    let day = null;
    let divided = divider === null;
    let before = null;          /* the row of the message before, in a group */

    for (const message of messages) {
        if (dayKey(message.date) !== day) {
            day = dayKey(message.date);
            rows.push({ key: `day ${day}`, day: message.date });
            before = null;
        }

        if (!divided && message.sequenceNumber > divider) {
            divided = true;
            rows.push({ key: 'new' });
            before = null;
        }

        if (message.deleted) {
            rows.push({ key: `gone ${message.id}`, gone: message });
            before = null;
        } else {
            before = messageRow(message, before);
            rows.push(before);
        }

        if (readers.has(message)) {
            rows.push({ key: `readers ${keyOf(message)}`,
                        readers: readers.get(message) });
        }
    }

    return rows;
}


function messageRow(message, before) {
    const first = before === null
        || before.message.senderId !== message.senderId
        || message.date - before.message.date > GROUP_GAP;

    if (!first) {
        before.last = false;
    }

    return { key: keyOf(message), message, first, last: true };
}


/* the messages up to which others have read: a map to their ids */

export function readersOf(messages, members) {
    const readers = new Map();
    const stored = messages.filter((m) => m.sequenceNumber !== undefined);

    for (const { userId, read } of members.others) {
        const message = stored.findLast((m) => m.sequenceNumber <= read);

        /* that one has read what one has written says nothing */
        if (message !== undefined && message.senderId !== userId) {
            readers.set(message, [...readers.get(message) ?? [], userId]);
        }
    }

    return readers;
}


/* how far an own message has come with all the others */

export function receiptOf({ sequenceNumber }, members) {
    const { others } = members;

    if (others.length === 0) {
        return 'sent';
    }

    if (others.every((member) => member.read >= sequenceNumber)) {
        return 'read';
    }

    return others.every((member) => member.delivered >= sequenceNumber)
        ? 'delivered' : 'sent';
}

/*
 * The members of a conversation, how far each has read, and what was done to
 * them since they were loaded.
 *
 * In a channel the first message or mark makes a reader a member, and nobody
 * is told.  Who is heard of in any way is a member, then.
 */

import { isSelf, meet, nameOf } from './people.js';
import { rankOf } from './rights.js';

const PAGE = 200;
const MAX_LOADED = 1000;


export class Members {

    #members = new Map();
    #during = null;             /* what happens while they are loaded */

    constructor() {
        this.loaded = false;
        this.partial = false;   /* there are more than were loaded */
        this.counted = 0;       /* by the server, then */
    }


    get(userId) {
        return this.#members.get(userId);
    }


    /* without the blocked, the highest role first */
    get list() {
        return this.#sorted((member) => member.role !== 'blocked');
    }


    get blocked() {
        return this.#sorted((member) => member.role === 'blocked');
    }


    get total() {
        return this.partial ? this.counted : this.list.length;
    }


    get ids() {
        return this.list.map((member) => member.userId);
    }


    get others() {
        return this.list.filter((member) => !member.self);
    }


    async load(conversation) {
        if (this.#during !== null) {
            return;
        }

        this.#during = [];

        try {
            const { found, partial, counted } = await this.#fetch(conversation);

            this.#members = found;
            this.partial = partial;
            this.counted = counted;
            this.loaded = true;

        } finally {
            const during = this.#during;

            this.#during = null;
            during.forEach((change) => change());
        }
    }


    async #fetch(conversation) {
        const found = new Map();
        let counted;
        let cursor;

        do {
            const page = await conversation.members({ cursor, limit: PAGE });

            for (const item of page.items) {
                found.set(item.userId, this.#make(item));
            }

            counted = page.memberCount;
            cursor = page.nextCursor ?? undefined;
        } while (cursor !== undefined && found.size < MAX_LOADED);

        return { found, counted, partial: cursor !== undefined };
    }


    /* marks never go back */
    #make({ userId, role, lastReadSequence = 0, lastDeliveredSequence = 0 }) {
        const old = this.#members.get(userId);

        meet(userId);

        return {
            userId, role, self: isSelf(userId),
            read: Math.max(lastReadSequence, old?.read ?? 0),
            delivered: Math.max(lastDeliveredSequence, old?.delivered ?? 0)
        };
    }


    /* an event member.*; role null: no member any more */
    setRole(userId, role) {
        this.#during?.push(() => this.setRole(userId, role));

        if (role === null) {
            this.#members.delete(userId);
        } else {
            this.#of(userId).role = role;
        }
    }


    setRead(userId, sequenceNumber) {
        this.#during?.push(() => this.setRead(userId, sequenceNumber));

        const member = this.#of(userId);

        member.read = Math.max(member.read, sequenceNumber);
        member.delivered = Math.max(member.delivered, member.read);
    }


    setDelivered(userId, sequenceNumber) {
        this.#during?.push(() => this.setDelivered(userId, sequenceNumber));

        const member = this.#of(userId);

        member.delivered = Math.max(member.delivered, sequenceNumber);
    }


    #of(userId) {
        let member = this.#members.get(userId);

        if (member === undefined) {
            member = this.#make({ userId, role: 'member' });
            this.#members.set(userId, member);
        }

        return member;
    }


    #sorted(wanted) {
        return Array.from(this.#members.values()).filter(wanted).sort(
            (a, b) => rankOf(b.role) - rankOf(a.role)
                      || nameOf(a.userId).localeCompare(nameOf(b.userId)));
    }
}

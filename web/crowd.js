/*
 * Who is there in one room, and who types.
 */

import { meet } from './people.js';


export class Crowd {

    #room;
    #presence;
    #watched = false;           /* it is the room that is open */
    #told = null;               /* {online, members}: the last that was told */

    constructor(room, presence) {
        this.#room = room;
        this.#presence = presence;
    }


    /* how many are there; null: that is not known */
    get online() {
        const { members } = this.#room;

        if (this.#told === null || this.#told.members === null
            || !members.loaded)
        {
            return this.#told?.online ?? null;
        }

        return members.list.filter(({ userId, self }) =>
            self ? this.#presence.open : this.#isThere(userId)).length;
    }


    /* ids of those who type */
    get typists() {
        return this.#room.conversation?.typists.map(({ userId }) => userId)
               ?? [];
    }


    watch() {
        this.#watched = true;
        this.#room.conversation?.watchPresence();
    }


    unwatch() {
        this.#watched = false;
        this.#told = null;
        this.#room.conversation?.unwatchPresence();
    }


    /* the room has a conversation now: onTyping(), onPresence() */
    attach(conversation, { onTyping, onPresence }) {
        conversation.addEventListener('typing', ({ detail: { users } }) => {
            users.forEach(({ userId, displayName }) => meet(userId,
                                                            displayName));
            onTyping();
        });

        conversation.addEventListener('presence', ({ detail }) => {
            this.#told = detail;
            onPresence();
        });

        if (this.#watched) {
            conversation.watchPresence();
        }
    }


    #isThere(userId) {
        const { status } = this.#presence.stateOf(userId) ?? {};

        return status !== undefined && status !== 'offline';
    }
}

/*
 * What the user has read of one room, and what not.
 */

export class Reading {

    #room;
    #entering = false;          /* becoming a member was asked for */

    /* the last message that names the user */
    #mention = 0;

    constructor(room) {
        this.#room = room;
        this.last = 0;          /* sequence number of what was read last */
    }


    /* own messages count as read; who only reads a channel has no mark */
    get unread() {
        const { role, sequenceNumber } = this.#room;

        return role === null ? 0 : Math.max(0, sequenceNumber - this.last);
    }


    /* somebody has named the user, who has not seen that yet */
    get mentioned() {
        return this.#mention > this.last;
    }


    /* by this device or another one */
    upTo(sequenceNumber) {
        this.last = Math.max(this.last, sequenceNumber);
    }


    /* messages were lost: numbers begin anew */
    reset() {
        this.last = 0;
        this.#mention = 0;
    }


    /* joined, perhaps anew */
    live() {
        this.#entering = false;
    }


    /* true: that is news */
    mention(sequenceNumber) {
        const isNew = sequenceNumber > Math.max(this.#mention, this.last);

        this.#mention = Math.max(this.#mention, sequenceNumber);

        return isNew;
    }


    /*
     * The user has seen everything up to there; true: that is more than before.
     * Who opens a channel becomes its member by that, even if there is nothing
     * to read.
     */
    see(sequenceNumber) {
        const { conversation, role } = this.#room;
        const isMore = sequenceNumber > this.last;

        if (!conversation?.live) {
            return false;
        }

        if (isMore) {
            this.last = sequenceNumber;
            conversation.markRead(sequenceNumber);

        } else if (role === null && !this.#entering) {
            this.#entering = true;
            conversation.markRead(this.last);
        }

        return isMore;
    }
}

/*
 * All conversations of the user.
 *
 * The server does not tell a user of a new conversation, nor of one that he
 * is added to: the list is fetched when the connection comes back, when the
 * window gets the focus, and every 20 seconds while it is seen.  In between
 * the last messages and what is unread come from the events of conversations
 * that are joined, which are those with the latest activity; numbers of the
 * others are as old as the list.
 *
 * Events:
 *
 *     change    {room}: something of it; without a room: which there are
 *     ended     {room}: it is none of them any more; room.ended tells why
 *     notice    {text}
 */

import { Room } from './room.js';

const PAGE = 100;
const MAX_PAGES = 5;
const MAX_LIVE = 50;            /* conversations that are joined */
const PERIOD = 20000;           /* ms */


export class Rooms extends EventTarget {

    #client;
    #me;
    #rooms = new Map();
    #refresh = null;            /* the one under way */
    #again = false;             /* and something has changed since */
    #timer = 0;

    constructor(client, me) {
        super();
        this.current = null;
        this.known = false;         /* the list has been fetched once */
        this.#client = client;
        this.#me = me;
    }


    /* the latest activity first */
    get list() {
        return Array.from(this.#rooms.values())
                    .sort((a, b) => b.activity - a.activity);
    }


    get unread() {
        return this.list.reduce((total, room) => total + room.unread, 0);
    }


    has(id) {
        return this.#rooms.has(id);
    }


    get(id) {
        let room = this.#rooms.get(id);

        if (room === undefined) {
            room = this.#add(id);
            this.#emit('change');
        }

        return room;
    }


    /* the one that the user is looking at */
    open(room) {
        this.current = room;
        room.open();
    }


    /* it was opened by a link, and does not concern the user after all */
    drop(room) {
        room.detach();
        this.#rooms.delete(room.id);
        this.#emit('change');
    }


    #add(id) {
        const room = new Room(this.#client, id, this.#me);

        const on = (type, handler) => {
            room.addEventListener(type, (e) => handler(e.detail));
        };

        on('change', () => this.#onChange(room));
        on('joined', () => this.refresh());
        on('notice', (detail) => this.#emit('notice', detail));
        this.#rooms.set(id, room);

        return room;
    }


    #emit(type, detail = {}) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }


    #onChange(room) {
        if (room.ended !== null && this.#rooms.get(room.id) === room) {
            this.#rooms.delete(room.id);
            this.#emit('ended', { room });
            this.#emit('change');
        } else {
            this.#emit('change', { room });
        }
    }


    /* -- the list -------------------------------------------------------- */

    /* while the user may look: now, and again from time to time */
    watch(looking) {
        clearInterval(this.#timer);

        if (looking) {
            this.#timer = setInterval(() => this.refresh(), PERIOD);
            this.refresh();
        }
    }


    /* fetches the list; what changes while it is fetched is fetched after */
    async refresh() {
        if (this.#refresh !== null) {
            this.#again = true;
            return this.#refresh;
        }

        this.#refresh = this.#fetch();

        try {
            await this.#refresh;
        } catch {
            /* the connection is lost or the storage away: later, then */
        }

        this.#refresh = null;

        if (this.#again) {
            this.#again = false;
            this.refresh();
        }
    }


    async #fetch() {
        const found = new Set();
        let cursor;

        if (this.#client.state !== 'online') {
            return;
        }

        for (let n = 0; n < MAX_PAGES && cursor !== null; n++) {
            const page = await this.#client.list({ cursor, limit: PAGE });

            for (const item of page.items) {
                const id = item.conversation.conversationId;

                found.add(id);
                (this.#rooms.get(id) ?? this.#add(id)).merge(item);
            }

            cursor = page.nextCursor;
        }

        if (cursor === null) {
            this.#dropOthers(found);
        }

        this.known = true;
        this.#choose();
        this.#emit('change');
    }


    /* what is joined tells by itself when it ends */
    #dropOthers(found) {
        for (const room of this.#rooms.values()) {
            if (room.listed && room.conversation === null
                && !found.has(room.id) && room !== this.current)
            {
                this.#rooms.delete(room.id);
            }
        }
    }


    /* joins those that matter, and no more than the server should bear */
    #choose() {
        const listed = this.list.filter((room) => room.listed);

        listed.slice(0, MAX_LIVE).forEach((room) => room.attach());

        for (const room of listed.slice(MAX_LIVE)) {
            if (room !== this.current && room.conversation !== null) {
                room.detach();
            }
        }
    }
}

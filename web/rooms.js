/*
 * All conversations of the user.
 *
 * Those with the latest activity are joined, and tell by themselves what
 * happens.  Of the others there are hints, see hints.js; what these leave out,
 * as the last message, and numbers of large conversations, is as old as the
 * list.  That is fetched when the connection comes back, when the window gets
 * the focus, when a hint asks for it, and every minute in which the user does
 * something: by that the server knows, too, that he is there.
 *
 * Events:
 *
 *     change    {room}: something of it; without a room: which there are
 *     presence  somebody came, went, or types
 *     mention   {room, senderId}
 *     ended     {room}: it is none of them any more; room.ended tells why
 *     notice    {text}
 */

import { Hints } from './hints.js';
import { idleTime } from './idle.js';
import { Room } from './room.js';

const PAGE = 100;
const MAX_PAGES = 5;
const MAX_LIVE = 50;            /* conversations that are joined */
const MAX_WATCHED = 500;        /* others of a dm, whose presence is shown */
const PERIOD = 60000;           /* ms */


export class Rooms extends EventTarget {

    #client;
    #me;
    #rooms = new Map();
    #refresh = null;            /* the one under way */
    #again = false;             /* and something has changed since */
    #refreshed = 0;             /* when it was begun */
    #timer = 0;
    #soon = 0;                  /* until one that a hint asks for */
    #due = Infinity;            /* when that is */
    #peers = new Set();         /* those who are watched */

    constructor(client, me) {
        super();
        this.current = null;
        this.known = false;         /* the list has been fetched once */
        this.#client = client;
        this.#me = me;

        client.presence.addEventListener('change',
                                         () => this.#emit('presence'));
        client.presence.addEventListener('own', () => this.#emit('presence'));
        new Hints(client, this);
    }


    /* the latest activity first */
    get list() {
        return Array.from(this.#rooms.values())
                    .sort((a, b) => b.activity - a.activity);
    }


    get unread() {
        return this.list.reduce(
            (total, { reading }) => total + reading.unread, 0);
    }


    has(id) {
        return this.#rooms.has(id);
    }


    find(id) {
        return this.#rooms.get(id);
    }


    /* what is known of the other one of a dm */
    presenceOf(room) {
        return room.peer === null
            ? undefined : this.#client.presence.stateOf(room.peer);
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
        if (this.current !== room) {
            this.current?.close();
        }

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
        on('typing', () => this.#emit('presence'));
        on('presence', () => this.#emit('presence'));
        on('mention', (detail) => this.#emit('mention', { room, ...detail }));
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
            this.#watchPeers();
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
            this.#timer = setInterval(() => this.#onTime(), PERIOD);
            this.refresh();
        }
    }


    /* a page that nobody touches does not look as if somebody were there */
    #onTime() {
        if (idleTime() < PERIOD) {
            this.refresh();
        }
    }


    /* a hint was given: soon, but so many ms after the last one */
    refreshAfter(rest) {
        const at = Math.max(Date.now(), this.#refreshed + rest);

        if (at < this.#due) {
            clearTimeout(this.#soon);
            this.#due = at;
            this.#soon = setTimeout(() => this.refresh(), at - Date.now());
        }
    }


    /* fetches the list; what changes while it is fetched is fetched after */
    async refresh() {
        if (this.#refresh !== null) {
            this.#again = true;
            return this.#refresh;
        }

        clearTimeout(this.#soon);
        this.#due = Infinity;
        this.#refreshed = Date.now();
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
        this.#watchPeers();
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


    /* asks who is there of those with whom there is a dm */
    #watchPeers() {
        const peers = new Set(this.list.map((room) => room.peer)
            .filter((peer) => peer !== null && peer !== this.#me.userId)
            .slice(0, MAX_WATCHED));
        const { presence } = this.#client;

        const isKnown = (id) => this.#peers.has(id)
                                && !isStranger(presence.stateOf(id));

        presence.unsubscribe([...this.#peers].filter((id) => !peers.has(id)));
        presence.subscribe([...peers].filter((id) => !isKnown(id)));
        this.#peers = peers;
    }
}


/* as who was never seen, and whose presence is none of the user's business */

function isStranger(state) {
    return state?.status === 'offline' && state.lastSeen === null;
}

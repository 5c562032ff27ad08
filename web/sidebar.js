/*
 * The list of conversations, and the page around it on a narrow screen.
 */

import { $, arrange, clone, narrow } from './dom.js';
import { setRoomAvatar } from './people.js';
import { WORDS, setPresence } from './presence.js';
import { shortTime } from './text.js';
import { typingHint } from './typing.js';


export class Sidebar {

    #rooms;
    #nodes = new Map();
    #frame = 0;

    constructor(rooms) {
        this.#rooms = rooms;

        const on = (id, handler) => $(id).addEventListener('click', handler);

        on('side-open', () => this.toggle(true));
        on('side-close', () => this.toggle(false));
        on('scrim', () => this.toggle(false));
        on('rooms', (e) => {
            if (e.target.closest('a') !== null) {
                this.toggle(false);
            }
        });

        rooms.addEventListener('change', () => this.schedule());
        narrow.addEventListener('change', () => this.toggle(false));
        document.addEventListener('keydown', (e) => {
            if (e.key === 'Escape' && !$('scrim').hidden) {
                this.toggle(false);
            }
        });
    }


    schedule() {
        if (this.#frame === 0) {
            this.#frame = requestAnimationFrame(() => this.#draw());
        }
    }


    toggle(open) {
        const shown = open && narrow.matches;

        $('side').classList.toggle('open', shown);
        $('side').inert = narrow.matches && !open;
        $('scrim').hidden = !shown;
        $('side-open').setAttribute('aria-expanded', shown);

        if (shown) {
            $('side-close').focus();
        } else if ($('side').contains(document.activeElement)) {
            $('side-open').focus();
        }
    }


    #draw() {
        const rooms = this.#rooms.list.filter((room) => room.failure === null);

        this.#frame = 0;

        for (const room of this.#nodes.keys()) {
            if (!rooms.includes(room)) {
                this.#nodes.delete(room);
            }
        }

        arrange($('rooms'), rooms.map((room) => this.#nodeOf(room)));
        $('rooms').setAttribute('aria-busy', !this.#rooms.known);
        this.#drawUnread();
    }


    #nodeOf(room) {
        const node = this.#nodes.get(room) ?? clone('t-room');
        const part = (selector) => node.querySelector(selector);
        const { activity } = room;
        const { unread, mentioned } = room.reading;
        const status = this.#rooms.presenceOf(room)?.status ?? 'offline';
        const typing = typingHint(room);

        this.#nodes.set(room, node);
        part('a').href = hashOf(room);
        part('a').setAttribute('aria-current',
                               room === this.#rooms.current ? 'page'
                                                            : 'false');
        setRoomAvatar(part('.avatar'), room);
        part('.room-label').textContent = room.title;
        setPresence(part('.avatar'), status);
        part('.room-presence').textContent
            = status === 'offline' ? '' : `, ${WORDS[status].toLowerCase()}`;
        part('.room-last').textContent = typing || room.preview();
        part('.room-last').classList.toggle('typing', typing !== '');
        part('.room-time').textContent = activity > 0
            ? shortTime(new Date(activity)) : '';
        part('.badge').hidden = unread === 0;
        part('.badge').textContent = unread > 99 ? '99+' : unread;
        part('.badge-text').textContent = unread > 0 ? `, ${unread} unread`
                                                     : '';
        part('.named').hidden = !mentioned;
        node.classList.toggle('unread', unread > 0 || mentioned);

        return node;
    }


    #drawUnread() {
        const total = this.#rooms.unread;
        const count = total > 0 ? `(${total > 99 ? '99+' : total}) ` : '';
        const none = total === 0
            && !this.#rooms.list.some((room) => room.reading.mentioned);

        document.title = `${count}${this.#rooms.current?.title ?? ''}`
                         + ' · ngx_chat';
        $('side-dot').hidden = none;
        $('side-open').setAttribute('aria-label', none
            ? 'Conversations' : 'Conversations, some unread');
    }
}


/* a link: of a channel with the name, for those who do not know it yet */

export function hashOf({ id, type, name }) {
    return type === 'channel' && name !== null && id !== 'lobby'
        ? `#${id}/${encodeURIComponent(name)}` : `#${id}`;
}

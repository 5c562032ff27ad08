/*
 * The page: who is signed in, the connection, and which conversation is open.
 *
 * Which one that is stands in the address, #ID or #ID/NAME, so that a link to
 * it can be shared; the name is only what it is called until its own is known.
 */

import { Actions } from './actions.js';
import { ChatClient } from './chat.js';
import { Composer } from './composer.js';
import { Create } from './create.js';
import { $, toast } from './dom.js';
import { LogView } from './log.js';
import { Panel } from './panel.js';
import { nameOf, setAvatar, setSelf, whenNamed } from './people.js';
import { idleTime, whenBack } from './idle.js';
import { describe, setPresence } from './presence.js';
import { Rooms } from './rooms.js';
import { Sidebar, hashOf } from './sidebar.js';
import { signIn, signOut, tokenFor } from './signin.js';
import { Status } from './status.js';
import { TypingLine } from './typing.js';

const LOBBY = 'lobby';
const VALID_ID = /^[A-Za-z0-9_.:@-]{1,64}$/;
const PATIENCE = 1000;          /* ms of no connection that nobody need know */
const ABSENCE = 300000;         /* ms in which nothing is done; then nobody */
const PAUSE = 60000;            /* reads, and after which the list is old */
const MINUTE = 60000;


function isLooking() {
    return !document.hidden && document.hasFocus() && idleTime() < ABSENCE;
}


class App {

    #client;
    #rooms;
    #sidebar;
    #log = new LogView({ looking: isLooking });
    #composer = new Composer({ onSent: () => this.#log.settle() });
    #panel;
    #typing = new TypingLine();
    #bannerTimer = 0;
    #frame = 0;

    constructor(me) {
        const url = new URL('chat', location.href);

        url.protocol = url.protocol.replace('http', 'ws');
        url.hash = '';

        setSelf(me);
        this.#client = new ChatClient({ url: url.href, token: tokenFor });
        this.#rooms = new Rooms(this.#client, me);
        this.#sidebar = new Sidebar(this.#rooms);
        this.#panel = new Panel(this.#client.presence);
        new Status(this.#client);
        new Actions(this.#log, this.#composer);
        new Create(this.#client, me,
                   { onCreated: (made) => this.#onCreated(made) });

        $('app').hidden = false;
        $('me-name').textContent = me.name;
        setAvatar($('me-avatar'), me.userId, me.name);

        this.#listen();
        this.#openLobby();
        this.#navigate();
        this.#client.connect();
    }


    #listen() {
        const on = (target, type, handler) => {
            target.addEventListener(type, handler);
        };

        on(this.#client, 'state', (e) => this.#onState(e.detail));
        on(this.#rooms, 'change', (e) => this.#onChange(e.detail.room));
        on(this.#rooms, 'ended', (e) => this.#onEnded(e.detail.room));
        on(this.#rooms, 'notice', (e) => toast(e.detail.text));
        on(this.#rooms, 'presence', () => this.#schedulePresence());
        on(this.#rooms, 'mention', (e) => this.#onMention(e.detail));

        whenNamed(() => {
            this.#log.schedule();
            this.#sidebar.schedule();
            this.#drawHead();
        });

        on(window, 'hashchange', () => this.#navigate());
        on(window, 'online', () => this.#client.wake());
        on(window, 'focus', () => this.#look());
        on(window, 'blur', () => this.#look());
        on(document, 'visibilitychange', () => this.#onVisibility());
        whenBack(PAUSE, () => this.#look());
        setInterval(() => this.#schedulePresence(), MINUTE);

        on($('share'), 'click', () => this.#share());
        on($('signout'), 'click', () => {
            this.#client.close();
            signOut();
        });
    }


    /* -- connection ------------------------------------------------------ */

    #onState({ state, code }) {
        $('app').classList.toggle('stale', state !== 'online');
        clearTimeout(this.#bannerTimer);

        if (state === 'online') {
            this.#rooms.watch(!document.hidden);

            if (!$('banner').hidden) {
                this.#banner('Back online', 'good');
                this.#bannerTimer = setTimeout(() => this.#banner(null), 1500);
            }

        } else if (state === 'closed' && code === 4401) {
            signOut('Please sign in again.');

        } else if (state === 'closed' && code === 4403) {
            signOut('You were signed out by the server.');

        } else if (state === 'closed') {
            this.#banner('Signed out');

        } else if ($('banner').hidden) {
            this.#bannerTimer = setTimeout(
                () => this.#banner('Reconnecting…'), PATIENCE);

        } else {
            this.#banner('Reconnecting…');
        }
    }


    #banner(text, kind = '') {
        $('banner').hidden = text === null;
        $('banner').textContent = text ?? '';
        $('banner').className = `banner ${kind}`;
    }


    #onVisibility() {
        this.#rooms.watch(!document.hidden);
        this.#log.see();

        if (!document.hidden) {
            this.#client.wake();
        }
    }


    /* what the user looks at is read; the list may be old */
    #look() {
        this.#log.see();

        if (isLooking()) {
            this.#rooms.refresh();
        }
    }


    /* -- conversations --------------------------------------------------- */

    /* it is there for everyone, whether a member or not */
    #openLobby() {
        const lobby = this.#rooms.get(LOBBY);

        lobby.name ??= 'Lobby';
        lobby.type ??= 'channel';
        lobby.attach();
    }


    #navigate() {
        const [id, name] = location.hash.slice(1).split('/');

        if (!VALID_ID.test(id)) {
            location.replace(`#${LOBBY}`);
            return;
        }

        const room = this.#rooms.get(id);

        try {
            room.name ??= decodeURIComponent(name ?? '').slice(0, 64) || null;
        } catch {
            /* not a name, then */
        }

        this.#open(room);
    }


    #open(room) {
        const before = this.#rooms.current;

        if (before !== null && before !== room && before.failure !== null) {
            this.#rooms.drop(before);
        }

        this.#rooms.open(room);
        this.#log.show(room);
        this.#composer.show(room);
        this.#panel.show(room);
        this.#typing.show(room);
        this.#sidebar.toggle(false);
        this.#sidebar.schedule();
        this.#drawHead();
    }


    #onCreated({ conversationId, type, name, role }) {
        const room = this.#rooms.get(conversationId);

        Object.assign(room, { type, name, role, created: Date.now() });
        location.hash = hashOf(room);
        this.#rooms.refresh();
    }


    #onChange(room) {
        const { current } = this.#rooms;

        if (room !== undefined && room === current) {
            this.#drawHead();

        } else if (current?.ended && this.#rooms.has(current.id)) {
            this.#navigate();       /* it is there again */
        }
    }


    /* who has left it himself knows; the open one tells in its own place */
    #onEnded(room) {
        const gone = `You are no longer in “${room.title}”.`;

        if (room.leaving) {
            location.hash = LOBBY;
            return;
        }

        this.#drawHead();

        if (room !== this.#rooms.current) {
            toast(room.ended.reason === 'deleted'
                ? `“${room.title}” was deleted.` : gone);
        }

        if (room.id === LOBBY) {
            this.#openLobby();
        }
    }


    #onMention({ room, senderId }) {
        if (room !== this.#rooms.current || !isLooking()) {
            toast(`${nameOf(senderId)} mentioned you in “${room.title}”`);
        }
    }


    /* not each time: many may come and go at once */
    #schedulePresence() {
        if (this.#frame === 0) {
            this.#frame = requestAnimationFrame(() => {
                this.#frame = 0;
                this.#sidebar.schedule();
                this.#panel.draw();
                this.#drawHead();
            });
        }
    }


    #drawHead() {
        const room = this.#rooms.current;
        const broken = room.failure !== null || room.ended !== null;
        const presence = this.#rooms.presenceOf(room);

        $('room-name').textContent = room.title;
        $('room-sub').textContent = broken ? '' : subtitle(room, presence);
        setPresence($('room-sub'), broken ? 'offline' : presence?.status);
        $('share').hidden = broken || room.type !== 'channel';
    }


    async #share() {
        const address = new URL(hashOf(this.#rooms.current),
                                location.href).href;

        try {
            await navigator.clipboard.writeText(address);
            toast('Link copied');
        } catch {
            window.prompt('The link to this conversation', address);
        }
    }
}


function subtitle({ id, type, description, members, crowd }, presence) {
    const { loaded, total } = members;
    const { online } = crowd;
    const there = online === null ? '' : `, ${online} online`;

    if (type === 'dm') {
        return describe(presence) || 'Direct conversation';
    }

    if (description !== '') {
        return description;
    }

    if (type === 'group') {
        return loaded ? `${total} member${total === 1 ? '' : 's'}${there}`
                      : 'Group';
    }

    return (id === LOBBY ? 'Open to everyone'
                         : 'Open to everyone with the link') + there;
}


signIn((identity) => new App(identity));

/*
 * The page: signing in, the list of conversations, and the one that is open.
 *
 * Which one that is stands in the address, #ID or #ID/NAME, so that a link to
 * it can be shared; the name is only what it is called until its own is known.
 */

import { ChatClient } from './chat.js';
import { LogView } from './log.js';
import { Room } from './room.js';
import { nameOf, setAvatar } from './text.js';

const LOBBY = 'lobby';
const VALID_ID = /^[A-Za-z0-9_.:@-]{1,64}$/;
const MAX_ROOMS = 30;
const TOKEN_MARGIN = 30000;     /* ms before its end; then it is not used */
const PATIENCE = 1000;          /* ms of no connection that nobody need know */

const $ = (id) => document.getElementById(id);

const narrow = matchMedia('(max-width: 47.99rem)');
const touch = matchMedia('(pointer: coarse)');


/* storage may be forbidden; then nothing is kept */

function recall(storage, key) {
    try {
        return JSON.parse(storage.getItem(`ngx_chat.${key}`));
    } catch {
        return null;
    }
}


function keep(storage, key, value) {
    try {
        storage.setItem(`ngx_chat.${key}`, JSON.stringify(value));
    } catch {
        /* not kept, then */
    }
}


/* -- signing in ----------------------------------------------------------- */

let identity = null;            /* {token, userId, name, expiresAt} */


async function fetchIdentity(name) {
    const response = await fetch('signin', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ name })
    });

    const body = await response.json().catch(() => null);

    if (!response.ok) {
        throw new Error(body?.error?.message
                        ?? 'Signing in is not possible right now.');
    }

    identity = body;
    keep(sessionStorage, 'name', body.name);
    keep(localStorage, 'name', body.name);

    return identity;
}


async function tokenFor(reason) {
    const left = new Date(identity.expiresAt) - Date.now();

    if (reason === 'connect' && left > TOKEN_MARGIN) {
        return identity.token;
    }

    return (await fetchIdentity(identity.name)).token;
}


function showSignIn() {
    $('signin').hidden = false;
    $('signin-name').value = recall(localStorage, 'name') ?? '';
    $('signin-name').select();
    $('signin-name').focus();
}


async function signIn(name) {
    const button = $('signin-form').querySelector('button');

    button.disabled = true;
    $('signin-error').textContent = '';

    try {
        await fetchIdentity(name);
        $('signin').hidden = true;
        new App(identity);

    } catch (error) {
        showSignIn();
        $('signin-error').textContent = error.message;
    }

    button.disabled = false;
}


$('signin-form').addEventListener('submit', (e) => {
    const name = $('signin-name').value.trim();

    e.preventDefault();

    if (name === '') {
        $('signin-error').textContent = 'Please enter a name.';
        $('signin-name').focus();
    } else {
        signIn(name);
    }
});


/* -- the page of who is signed in ----------------------------------------- */

class App {

    #client;
    #log = new LogView();
    #rooms = new Map();
    #room = null;
    #bannerTimer = 0;
    #toastTimer = 0;
    #drafts = new Map();

    constructor(me) {
        const url = new URL('chat', location.href);

        url.protocol = url.protocol.replace('http', 'ws');
        url.hash = '';

        this.me = { ...me, readable: nameOf(me.userId) === me.name };
        this.#client = new ChatClient({ url: url.href, token: tokenFor });

        $('app').hidden = false;
        $('me-name').textContent = me.name;
        setAvatar($('me-avatar'), me.userId, me.name);

        this.#listen();
        this.#addRoom(LOBBY, 'Lobby');

        for (const { id, name } of recall(localStorage, 'rooms') ?? []) {
            this.#addRoom(id, name);
        }

        this.#navigate();
        this.#client.connect();
    }


    #listen() {
        const on = (target, type, handler) => {
            target.addEventListener(type, handler);
        };

        on(this.#client, 'state', (e) => this.#onState(e.detail));
        on(window, 'hashchange', () => this.#navigate());
        on(window, 'online', () => this.#client.wake());
        on(window, 'focus', () => this.#look());
        on(window, 'blur', () => this.#look());
        on(document, 'visibilitychange', () => this.#onVisibility());
        on(narrow, 'change', () => this.#toggleSide(false));

        on($('composer'), 'submit', (e) => this.#onSubmit(e));
        on($('text'), 'input', () => this.#onInput());
        on($('text'), 'keydown', (e) => this.#onKey(e));

        on($('share'), 'click', () => this.#share());
        on($('signout'), 'click', () => this.#signOut());
        on($('side-open'), 'click', () => this.#toggleSide(true));
        on($('side-close'), 'click', () => this.#toggleSide(false));
        on($('scrim'), 'click', () => this.#toggleSide(false));
        on(document, 'keydown', (e) => {
            if (e.key === 'Escape' && !$('scrim').hidden) {
                this.#toggleSide(false);
            }
        });

        on($('create-open'), 'click', () => this.#openCreate());
        on($('create-cancel'), 'click', () => $('create').close());
        on($('create-form'), 'submit', (e) => this.#onCreate(e));
    }


    #signOut() {
        this.#client.close();
        keep(sessionStorage, 'name', null);
        location.reload();
    }


    /* -- connection ------------------------------------------------------ */

    #onState({ state, code }) {
        const texts = {
            online: 'Online',
            connecting: 'Connecting…',
            waiting: 'Reconnecting…',
            closed: 'Signed out'
        };

        $('status').textContent = texts[state];
        $('status').dataset.state = state;

        clearTimeout(this.#bannerTimer);

        if (state === 'online') {
            if (!$('banner').hidden) {
                this.#banner('Back online', 'good');
                this.#bannerTimer = setTimeout(() => this.#banner(null), 1500);
            }

        } else if (state === 'closed') {
            this.#banner(code === 4403 ? 'You were signed out by the server'
                                       : 'Signed out');

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


    #toast(text) {
        clearTimeout(this.#toastTimer);
        $('toast').textContent = text;
        $('toast').classList.add('shown');
        this.#toastTimer = setTimeout(
            () => $('toast').classList.remove('shown'), 2500);
    }


    #onVisibility() {
        this.#look();

        if (!document.hidden) {
            this.#client.wake();
        }
    }


    /* what the user looks at is read */
    #look() {
        const looking = !document.hidden && document.hasFocus();

        for (const room of this.#rooms.values()) {
            room.seen = looking && room === this.#room;
        }

        if (looking) {
            this.#room?.markSeen();
        }

        this.#showUnread();
    }


    /* -- conversations --------------------------------------------------- */

    #navigate() {
        const [id, name] = location.hash.slice(1).split('/');

        if (!VALID_ID.test(id)) {
            location.replace(`#${LOBBY}`);
            return;
        }

        let label = '';

        try {
            label = decodeURIComponent(name ?? '').slice(0, 64);
        } catch {
            /* not a name, then */
        }

        this.#openRoom(this.#addRoom(id, label || 'Conversation'));
    }


    #addRoom(id, name) {
        let room = this.#rooms.get(id);

        if (room === undefined) {
            room = new Room(this.#client, id, name, this.me);
            room.addEventListener('change', () => this.#onRoomChange(room));
            room.item = this.#makeItem(room);
            this.#rooms.set(id, room);
            this.#keepRooms();
            this.#drawItem(room);
        }

        return room;
    }


    #keepRooms() {
        const rooms = Array.from(this.#rooms.values())
            .filter((room) => room.id !== LOBBY && !room.failure)
            .slice(-MAX_ROOMS)
            .map(({ id, name }) => ({ id, name }));

        keep(localStorage, 'rooms', rooms);
    }


    #openRoom(room) {
        if (this.#room !== null) {
            this.#drafts.set(this.#room, $('text').value);
        }

        this.#room = room;
        this.#log.show(room);
        this.#toggleSide(false);
        $('text').value = this.#drafts.get(room) ?? '';
        this.#onInput();

        if (!touch.matches) {
            $('text').focus();
        }

        for (const other of this.#rooms.values()) {
            this.#drawItem(other);
        }

        this.#drawHead();
        this.#look();
    }


    #onRoomChange(room) {
        this.#drawItem(room);

        if (room.failure !== null) {
            this.#keepRooms();      /* not to be tried again */
        }

        if (room === this.#room) {
            this.#drawHead();
        }

        this.#showUnread();
    }


    #drawHead() {
        const room = this.#room;
        const broken = room.failure !== null;

        $('room-name').textContent = room.name;
        $('room-sub').textContent = broken ? '' : room.id === LOBBY
            ? 'Open to everyone' : 'Open to everyone with the link';
        $('share').hidden = broken;
        $('composer').classList.toggle('off', broken);
        $('text').disabled = broken;
        $('text').placeholder = broken ? '' : `Message ${room.name}`;
    }


    /* -- the list ------------------------------------------------------- */

    #makeItem(room) {
        const item = $('t-room').content.firstElementChild.cloneNode(true);

        item.querySelector('.forget').addEventListener('click', () => {
            this.#forget(room);
        });
        item.querySelector('a').addEventListener('click', () => {
            this.#toggleSide(false);
        });

        $('rooms').append(item);

        return item;
    }


    #drawItem(room) {
        const part = (selector) => room.item.querySelector(selector);
        const open = room === this.#room;

        part('a').href = this.#hashOf(room);
        part('a').setAttribute('aria-current', open ? 'page' : 'false');
        setAvatar(part('.avatar'), room.id, room.name);
        part('.room-label').textContent = room.name;
        part('.room-last').textContent = room.preview();
        part('.badge').hidden = room.unread === 0;
        part('.badge').textContent = room.unread > 99 ? '99+' : room.unread;
        part('.badge').title = `${room.unread} unread`;
        part('.forget').hidden = room.id === LOBBY;
    }


    #hashOf(room) {
        return room.id === LOBBY
            ? `#${LOBBY}` : `#${room.id}/${encodeURIComponent(room.name)}`;
    }


    #forget(room) {
        this.#rooms.delete(room.id);
        this.#client.leave(room.id);
        room.item.remove();
        this.#keepRooms();

        if (room === this.#room) {
            location.hash = LOBBY;
        }
    }


    #showUnread() {
        let total = 0;

        for (const room of this.#rooms.values()) {
            total += room.unread;
        }

        const count = total > 0 ? `(${total > 99 ? '99+' : total}) ` : '';

        document.title = `${count}${this.#room?.name ?? ''} · ngx_chat`;
        $('side-dot').hidden = total === 0;
    }


    #toggleSide(open) {
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


    #openCreate() {
        this.#toggleSide(false);
        $('create-form').reset();
        $('create-error').textContent = '';
        $('create').showModal();
    }


    async #onCreate(e) {
        const name = $('create-name').value.trim();

        e.preventDefault();

        if (name === '') {
            $('create-error').textContent = 'Please enter a name.';
            return;
        }

        $('create-submit').disabled = true;

        try {
            const made = await this.#client.createConversation({
                type: 'channel', name
            });

            $('create').close();
            location.hash = this.#hashOf({ id: made.conversationId, name });

        } catch (error) {
            $('create-error').textContent = error.message;
        }

        $('create-submit').disabled = false;
    }


    async #share() {
        const address = new URL(this.#hashOf(this.#room), location.href).href;

        try {
            await navigator.clipboard.writeText(address);
            this.#toast('Link copied');
        } catch {
            window.prompt('The link to this conversation', address);
        }
    }


    /* -- writing --------------------------------------------------------- */

    #onInput() {
        const text = $('text');

        $('send').disabled = text.value.trim() === '';
        text.style.setProperty('height', 'auto');
        text.style.setProperty('height', `${text.scrollHeight}px`);
    }


    /* Enter sends; on a touch screen it is a new line, and a button sends */
    #onKey(e) {
        if (e.key === 'Enter' && !e.shiftKey && !e.isComposing
            && !touch.matches)
        {
            e.preventDefault();
            $('composer').requestSubmit();
        }
    }


    #onSubmit(e) {
        const text = $('text').value.trim();

        e.preventDefault();

        if (text === '' || this.#room.failure !== null) {
            return;
        }

        this.#room.send(text);
        this.#log.toEnd();
        $('text').value = '';
        $('text').focus();
        this.#onInput();
    }
}


const name = recall(sessionStorage, 'name');

if (name === null) {
    showSignIn();
} else {
    signIn(name);
}

/*
 * Who is who: names, pictures, and the people that one has met.
 *
 * The sign-in of this page makes a user's id of the name and of its hash, as
 * "Ada-Lovelace-27703c6a7d8b".  Names that do not survive that travel with the
 * messages of those who have them; they are believed if the hash is theirs, so
 * that nobody can take the name of another.
 */

import { icon } from './dom.js';

const HASH = /-?[0-9a-f]{12}$/;
const MAX_SLUG = 39;                /* characters of the name in an id */
const MAX_CLAIMS = 5000;
const VALID_ID = /^[A-Za-z0-9_.:@-]{1,64}$/;

const names = new Map();            /* user id: name */

const claims = new Set();           /* names that were looked at */

let self = null;
let onName = () => { /* nobody listens */ };


/* who this page belongs to */

export function setSelf({ userId, name }) {
    self = userId;
    names.set(userId, name);
}


export function isSelf(userId) {
    return userId === self;
}


/* somebody was met, who has that name as he says */

export function meet(userId, name) {
    if (!names.has(userId)) {
        names.set(userId, plainName(userId));
    }

    if (name !== undefined && name !== nameOf(userId)) {
        believe(userId, name);
    }
}


async function believe(userId, name) {
    const claim = `${userId} ${name}`;

    if (!claims.has(claim) && claims.size < MAX_CLAIMS) {
        claims.add(claim);

        if (await idOfName(name) === userId) {
            names.set(userId, name);
            onName();
        }
    }
}


/* somebody was chosen by the name, which is known to be right */

export function introduce(userId, name) {
    names.set(userId, name);
}


/* a handler for when somebody's name is known at last */

export function whenNamed(handler) {
    onName = handler;
}


function plainName(userId) {
    return userId.replace(HASH, '').replaceAll('-', ' ') || 'Guest';
}


/* does the id tell the name? */

export function isReadable(userId, name) {
    return plainName(userId) === name;
}


export function nameOf(userId) {
    return names.get(userId) ?? plainName(userId);
}


/* "You" for oneself */

export function whoOf(userId) {
    return isSelf(userId) ? 'You' : nameOf(userId);
}


/* of several, in a sentence; at most so many by name */

export function listNames(userIds, most = 20) {
    const some = userIds.slice(0, most).map(whoOf);
    const rest = userIds.length - some.length;

    return rest > 0 ? `${some.join(', ')} and ${rest} more` : some.join(', ');
}


/* those who were met and whose name begins with the words typed */

export function search(text, { among = names.keys(), without = [] } = {}) {
    const wanted = text.trim().toLocaleLowerCase();
    const left = new Set(without);

    return Array.from(among)
        .filter((id) => !left.has(id) && matches(nameOf(id), wanted))
        .sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
}


function matches(name, wanted) {
    const lower = name.toLocaleLowerCase();

    return lower.startsWith(wanted) || lower.includes(` ${wanted}`);
}


export function isUserId(text) {
    return VALID_ID.test(text);
}


/* the id that the sign-in gives to this name; null where that is unknowable */

export async function idOfName(text) {
    const name = text.trim();

    if (crypto.subtle === undefined || name === '') {
        return null;
    }

    const bytes = new TextEncoder().encode(name);
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    const hash = Array.from(new Uint8Array(digest, 0, 6),
                            (b) => b.toString(16).padStart(2, '0')).join('');
    const slug = slugOf(name);

    return slug === '' ? hash : `${slug}-${hash}`;
}


/* letters and digits of ASCII, and what is between them as one dash */

function slugOf(name) {
    let slug = '';
    let between = false;

    for (const byte of new TextEncoder().encode(name)) {
        const c = String.fromCharCode(byte);

        if (slug.length >= MAX_SLUG) {
            break;
        }

        if (!/[A-Za-z0-9]/.test(c)) {
            between = true;
            continue;
        }

        if (between && slug !== '') {
            slug += '-';
        }

        between = false;
        slug += c;
    }

    return slug;
}


/* -- pictures ------------------------------------------------------------- */

/* the first letters of the first and the last word */

function initials(name) {
    const words = name.split(/[\s_.:@-]+/).filter((word) => word !== '');
    const first = (word) => Array.from(word ?? '')[0] ?? '';
    const last = words.length > 1 ? words[words.length - 1] : '';

    return (first(words[0]) + first(last)).toLocaleUpperCase() || '?';
}


/* the same colour for the same id, everywhere; FNV-1a */

export function hueOf(id) {
    let hash = 2166136261;

    for (const c of id) {
        hash = Math.imul(hash ^ c.codePointAt(0), 16777619);
    }

    return (hash >>> 0) % 360;
}


export function setAvatar(element, id, name) {
    element.textContent = initials(name);
    element.style.setProperty('--hue', hueOf(id));
}


/* of a dm that of the other one */

export function setRoomAvatar(element, { id, type, peer, title }) {
    element.classList.toggle('square', type !== 'dm');
    setAvatar(element, peer ?? id, title);

    if (type === 'channel') {
        element.replaceChildren(icon('hash'));
    }
}

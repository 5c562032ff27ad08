/*
 * Signing in: a name gets a token, nothing is asked.  For trying things out;
 * the tokens of a product come from its own sign-in.
 */

import { ChatError } from './chat.js';
import { $, keep, recall } from './dom.js';

const TOKEN_MARGIN = 30000;     /* ms before its end; then it is not used */
const PATIENCE = 20000;         /* ms, for an answer */
const NOT_NOW = 'Signing in is not possible right now.';

let identity = null;            /* {token, userId, name, expiresAt} */


async function ask(name) {
    try {
        return await fetch('signin', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ name }),
            signal: AbortSignal.timeout(PATIENCE)
        });
    } catch {
        throw new Error(NOT_NOW);       /* no network, or no answer */
    }
}


async function fetchIdentity(name) {
    const response = await ask(name);
    const body = await response.json().catch(() => null);

    if (response.status === 401 || response.status === 403) {
        throw new ChatError('unauthorized', 'You may not sign in.');
    }

    if (!response.ok || body === null) {
        throw new Error(body?.error?.message ?? NOT_NOW);
    }

    identity = body;
    keep(sessionStorage, 'name', body.name);
    keep(localStorage, 'name', body.name);

    return identity;
}


/* for ChatClient */

export async function tokenFor(reason) {
    const left = new Date(identity.expiresAt) - Date.now();

    if (reason === 'connect' && left > TOKEN_MARGIN) {
        return identity.token;
    }

    return (await fetchIdentity(identity.name)).token;
}


/* why: what the form is to say then */

export function signOut(why = null) {
    keep(sessionStorage, 'name', null);
    keep(sessionStorage, 'why', why);
    location.reload();
}


/* as who one was, else whoever one says; then start(identity) */

export function signIn(start) {
    const known = recall(sessionStorage, 'name');

    $('signin-form').addEventListener('submit', (e) => {
        const name = $('signin-name').value.trim();

        e.preventDefault();

        if (name === '') {
            $('signin-error').textContent = 'Please enter a name.';
            $('signin-name').focus();
        } else {
            attempt(name, start);
        }
    });

    if (known === null) {
        show();
        $('signin-error').textContent = recall(sessionStorage, 'why') ?? '';
        keep(sessionStorage, 'why', null);
    } else {
        attempt(known, start);
    }
}


function show() {
    $('signin').hidden = false;
    $('signin-name').value = recall(localStorage, 'name') ?? '';
    $('signin-name').select();
    $('signin-name').focus();
}


async function attempt(name, start) {
    const button = $('signin-form').querySelector('button');

    button.disabled = true;
    $('signin-error').textContent = '';

    try {
        start(await fetchIdentity(name));
        $('signin').hidden = true;

    } catch (error) {
        show();
        $('signin-error').textContent = error.message;
    }

    button.disabled = false;
}

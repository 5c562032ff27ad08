/*
 * What all dialogs of the page share.
 */

import { $ } from './dom.js';

const CODES = {
    offline: 'There is no connection right now.',
    unavailable: 'The server cannot do this right now. Try again in a moment.',
    timeout: 'The server did not answer in time. Try again in a moment.',
    rate_limited: 'That was too fast. Try again in a moment.'
};


/* a sentence of what a request failed with */

export function explain(error) {
    if (/^replyTo: no such message/.test(error.message)) {
        return 'The message that it answers is gone.';
    }

    const text = CODES[error.code] ?? error.message;
    const sentence = text.charAt(0).toLocaleUpperCase() + text.slice(1);

    return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}


/*
 * The dialog of this id: submit() is done when its form is submitted; what it
 * fails with is shown, else the dialog closes.  To refuse what was filled in
 * it throws an Error with a sentence.
 */

export function setUp(id, submit) {
    const dialog = $(id);
    const form = $(`${id}-form`);
    const button = form.querySelector('[type="submit"]');

    form.querySelector('.cancel').addEventListener('click',
                                                   () => dialog.close());

    /* a click beside it, on what is behind */
    dialog.addEventListener('pointerdown', (e) => {
        if (e.target === dialog) {
            dialog.close();
        }
    });

    form.addEventListener('submit', async (e) => {
        e.preventDefault();
        button.disabled = true;
        showError(id, '');

        try {
            await submit();
            dialog.close();
        } catch (error) {
            showError(id, explain(error));
        }

        button.disabled = false;
    });
}


export function show(id) {
    showError(id, '');
    $(id).showModal();
}


function showError(id, text) {
    const line = $(`${id}-error`);

    if (line !== null) {
        line.textContent = text;
    }
}


let answer = null;

setUp('confirm', () => answer(true));
$('confirm').addEventListener('close', () => answer?.(false));


/* asks before what cannot be undone; true: do it */

export function confirm({ title, text, action }) {
    $('confirm-title').textContent = title;
    $('confirm-text').textContent = text;
    $('confirm-yes').textContent = action;
    show('confirm');

    return new Promise((resolve) => {
        answer = resolve;
    });
}

/*
 * What the user is seen as: at the foot of the list, and the dialog in which
 * that is chosen.
 */

import { setUp, show } from './dialogs.js';
import { $, toast } from './dom.js';
import { WORDS, describe, setPresence } from './presence.js';

const STATES = {
    connecting: 'Connecting…',
    waiting: 'Reconnecting…',
    closed: 'Signed out'
};


export class Status {

    #client;
    #state = 'connecting';

    constructor(client) {
        this.#client = client;
        client.addEventListener('state', (e) => this.#onState(e.detail));
        client.presence.addEventListener('own', () => this.#draw());
        $('me-open').addEventListener('click', () => this.#open());
        setUp('me', () => this.#save());
        this.#draw();
    }


    #onState({ state }) {
        this.#state = state;
        this.#draw();
    }


    #draw() {
        const { own, supported } = this.#client.presence;
        const online = this.#state === 'online';

        $('status').dataset.state = this.#state;
        $('status').textContent = online
            ? describe(own ?? { status: 'online' }) : STATES[this.#state];
        $('me-open').disabled = !supported || own === null;
        setPresence($('me-avatar'), online ? own?.status : 'offline');
    }


    #open() {
        const { status, text } = this.#client.presence.own;

        $('me-form').elements.status.value = status;
        $('me-text').value = text;
        show('me');
    }


    async #save() {
        const { value } = $('me-form').elements.status;

        await this.#client.presence.set(value, $('me-text').value.trim());
        toast(value === 'invisible' ? 'You look offline to everybody'
                                    : `You are ${WORDS[value].toLowerCase()}`);
    }
}

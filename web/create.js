/*
 * The dialog that makes a conversation.
 */

import { setUp, show } from './dialogs.js';
import { $ } from './dom.js';
import { Picker } from './picker.js';

const HINTS = {
    dm: 'Between the two of you.',
    group: 'For the people that you choose.',
    channel: 'Open to everyone who has its link.'
};


export class Create {

    #client;
    #me;
    #people = new Picker('create-people', { label: 'People' });

    /* onCreated(made): the server's description of it */
    constructor(client, me, { onCreated }) {
        this.#client = client;
        this.#me = me;

        $('create-open').addEventListener('click', () => this.#open());
        $('create-form').addEventListener('change', () => this.#draw());
        setUp('create', async () => onCreated(await this.#create()));
    }


    get #kind() {
        return $('create-form').elements.kind.value;
    }


    #open() {
        $('create-form').reset();
        this.#people.reset([this.#me.userId]);
        this.#draw();
        show('create');
    }


    #draw() {
        const kind = this.#kind;

        $('create-hint').textContent = HINTS[kind];
        $('create-named').hidden = kind === 'dm';
        this.#people.single = kind === 'dm';
    }


    async #create() {
        const type = this.#kind;
        const name = $('create-name').value.trim();
        const members = await this.#people.take();

        if (type === 'dm') {
            if (members.length === 0) {
                throw new Error('Please choose somebody.');
            }

            return this.#client.createConversation({ type, members });
        }

        if (name === '') {
            throw new Error('Please enter a name.');
        }

        return this.#client.createConversation({ type, name, members });
    }
}

/*
 * Completes names after an @ in a text field, and knows whom the text names
 * in the end.
 */

import { $, make } from './dom.js';
import { nameOf, search, setAvatar } from './people.js';

const MAX_OFFERED = 6;
const BEHIND_AT = /(?:^|\s)@([^@\n]{0,40})$/u;


export class Mentions {

    #field;
    #list = $('mentions');
    #candidates = () => [];
    #chosen = new Set();        /* user ids */
    #offered = [];
    #at = 0;

    constructor(field) {
        this.#field = field;
        field.addEventListener('input', () => this.#offer());
        field.addEventListener('blur', () => this.#close());
        field.addEventListener('click', () => this.#offer());

        /* before the blur that a click would cause */
        this.#list.addEventListener('pointerdown', (e) => {
            const option = e.target.closest('[role="option"]');

            e.preventDefault();

            if (option !== null) {
                this.#choose(option.dataset.id);
            }
        });
    }


    /* candidates(): ids of those who can be named; null: nobody now */
    watch(candidates) {
        this.#candidates = candidates ?? (() => []);
        this.#close();
    }


    get chosen() {
        return Array.from(this.#chosen);
    }


    set chosen(userIds) {
        this.#chosen = new Set(userIds);
    }


    /* those of them who are still named */
    within(text) {
        return this.chosen.filter((id) => text.includes(`@${nameOf(id)}`));
    }


    /* true: the key was for the list */
    onKey(e) {
        const count = this.#offered.length;

        if (count === 0) {
            return false;
        }

        if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
            this.#mark(this.#at + (e.key === 'ArrowDown' ? 1 : count - 1));

        } else if (e.key === 'Enter' || e.key === 'Tab') {
            this.#choose(this.#offered[this.#at]);

        } else if (e.key === 'Escape') {
            this.#close();

        } else {
            return false;
        }

        e.preventDefault();

        return true;
    }


    #before() {
        return this.#field.value.slice(0, this.#field.selectionStart);
    }


    #offer() {
        const match = BEHIND_AT.exec(this.#before());

        this.#offered = match === null ? [] : search(match[1], {
            among: this.#candidates()
        }).slice(0, MAX_OFFERED);

        if (this.#offered.length === 0) {
            this.#close();
            return;
        }

        this.#list.replaceChildren(...this.#offered.map(makeOption));
        this.#list.hidden = false;
        this.#mark(0);
    }


    #mark(at) {
        this.#at = at % this.#offered.length;
        Array.from(this.#list.children).forEach((option, n) => {
            option.setAttribute('aria-selected', n === this.#at);
        });
        this.#field.setAttribute('aria-activedescendant',
                                 this.#list.children[this.#at].id);
    }


    #choose(userId) {
        const name = BEHIND_AT.exec(this.#before())?.[1] ?? '';
        const end = this.#field.selectionStart;

        this.#chosen.add(userId);
        this.#field.setRangeText(`@${nameOf(userId)} `,
                                 end - name.length - 1, end, 'end');
        this.#field.dispatchEvent(new Event('input'));
        this.#close();
    }


    #close() {
        this.#offered = [];
        this.#list.hidden = true;
        this.#field.removeAttribute('aria-activedescendant');
    }
}


function makeOption(userId, n) {
    const avatar = make('span', { class: 'avatar', 'aria-hidden': 'true' });

    setAvatar(avatar, userId, nameOf(userId));

    return make('div', { role: 'option', id: `mention-${n}`,
                         'data-id': userId }, avatar, nameOf(userId));
}

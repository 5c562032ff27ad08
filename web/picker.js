/*
 * A field to choose people with: those who were met are offered by name, and
 * whoever was not can be given by name or by id.
 */

import { clone, icon, make } from './dom.js';
import { idOfName, introduce, isUserId, nameOf, search, setAvatar }
    from './people.js';

const MAX_OFFERED = 6;
const GAP = 4;                  /* pixels */


export class Picker {

    #root = clone('t-picker');
    #input = this.#root.querySelector('input');
    #chips = this.#root.querySelector('.chips');
    #list = this.#root.querySelector('.options');
    #single = false;
    #without = [];
    #chosen = [];
    #offered = [];              /* [{id, name, note?}] */
    #at = 0;
    #turn = 0;                  /* counts keys: late offers are dropped */

    /* into the element of this id */
    constructor(id, { label }) {
        const place = document.getElementById(id);

        this.#input.id = `${id}-input`;
        this.#list.id = `${id}-options`;
        this.#root.querySelector('label').textContent = label;
        this.#root.querySelector('label').htmlFor = this.#input.id;
        this.#input.setAttribute('aria-controls', this.#list.id);
        place.append(this.#root);

        this.#input.addEventListener('input', () => this.#offer());
        this.#input.addEventListener('focus', () => this.#offer());
        this.#input.addEventListener('blur', () => this.#close());
        this.#input.addEventListener('keydown', (e) => this.#onKey(e));

        /* before the blur that a click would cause */
        this.#list.addEventListener('pointerdown', (e) => {
            const option = e.target.closest('[role="option"]');

            e.preventDefault();

            if (option !== null) {
                this.#choose(Number(option.dataset.n));
            }
        });
    }


    /* one person only? */
    set single(single) {
        this.#single = single;

        if (single) {
            this.#chosen = this.#chosen.slice(-1);
            this.#drawChips();
        }
    }


    /* begins anew; without: ids that are not to be chosen */
    reset(without = []) {
        this.#without = without;
        this.#chosen = [];
        this.#input.value = '';
        this.#input.placeholder = 'Type a name';
        this.#drawChips();
        this.#close();
    }


    /* the ids of those who were chosen; who is only typed counts, too */
    async take() {
        if (this.#input.value.trim() !== '') {
            await this.#offer();
            this.#choose(0);
        }

        return this.#chosen;
    }


    /* -- what is offered ------------------------------------------------- */

    async #offer() {
        const turn = ++this.#turn;
        const text = this.#input.value.trim();
        const without = [...this.#without, ...this.#chosen];
        const known = search(text, { without }).slice(0, MAX_OFFERED)
            .map((id) => ({ id, name: nameOf(id) }));
        const strangers = await findStrangers(text, known, without);

        if (turn !== this.#turn) {
            return;
        }

        this.#offered = [...known, ...strangers];
        this.#list.replaceChildren(...this.#offered.map(
            (person, n) => makeOption(person, n, `${this.#list.id}-${n}`)));

        if (this.#offered.length > 0
            && this.#input === document.activeElement)
        {
            this.#open();
            this.#mark(0);
        } else {
            this.#close();
        }
    }


    get #isOpen() {
        return this.#list.matches(':popover-open');
    }


    /*
     * Over the dialog, not in it: what is below must not move away from under
     * the pointer when the list closes.
     */
    #open() {
        const box = this.#input.parentNode.getBoundingClientRect();
        const set = (name, value) => {
            this.#list.style.setProperty(name, `${value}px`);
        };

        if (!this.#isOpen) {
            this.#list.showPopover();
        }

        this.#input.setAttribute('aria-expanded', 'true');

        const { height } = this.#list.getBoundingClientRect();
        const below = box.bottom + GAP;
        const fits = below + height + GAP < innerHeight;

        set('width', box.width);
        set('left', box.left);
        set('top', fits ? below : Math.max(GAP, box.top - GAP - height));
    }


    #mark(at) {
        const options = Array.from(this.#list.children);

        this.#at = at % options.length;
        options.forEach((option, n) => {
            option.setAttribute('aria-selected', n === this.#at);
        });
        options[this.#at].scrollIntoView({ block: 'nearest' });
        this.#input.setAttribute('aria-activedescendant',
                                 options[this.#at].id);
    }


    #close() {
        this.#list.hidePopover();
        this.#input.setAttribute('aria-expanded', 'false');
        this.#input.removeAttribute('aria-activedescendant');
    }


    /* -- what is chosen -------------------------------------------------- */

    #choose(n) {
        const person = this.#offered[n];

        if (person === undefined) {
            return;
        }

        introduce(person.id, person.name);
        this.#chosen = this.#single ? [person.id]
                                    : [...this.#chosen, person.id];
        this.#offered = [];
        this.#turn++;
        this.#input.value = '';
        this.#drawChips();
        this.#close();
    }


    #drawChips() {
        this.#chips.replaceChildren(...this.#chosen.map((id) => {
            const remove = make('button', {
                type: 'button', 'aria-label': `Remove ${nameOf(id)}`
            }, icon('close'));

            remove.addEventListener('click', () => this.#remove(id));

            return make('li', {}, nameOf(id), remove);
        }));
    }


    #remove(id) {
        this.#chosen = this.#chosen.filter((other) => other !== id);
        this.#drawChips();
        this.#input.focus();
    }


    #onKey(e) {
        const open = this.#isOpen;

        if (e.key === 'Backspace' && this.#input.value === ''
            && this.#chosen.length > 0)
        {
            this.#remove(this.#chosen.at(-1));

        } else if (open && e.key === 'ArrowDown') {
            this.#mark(this.#at + 1);

        } else if (open && e.key === 'ArrowUp') {
            this.#mark(this.#at + this.#offered.length - 1);

        } else if (open && e.key === 'Enter' && this.#input.value !== '') {
            this.#choose(this.#at);

        } else if (open && e.key === 'Escape') {
            this.#close();

        } else {
            return;
        }

        e.preventDefault();
    }
}


/* who was never met: what was typed may be a name or an id */

async function findStrangers(text, known, without) {
    const found = [];
    const name = await idOfName(text);
    const isNew = (id) => !without.includes(id)
                          && known.every((person) => person.id !== id);

    if (name !== null && isNew(name)) {
        found.push({ id: name, name: text, note: 'by name' });
    }

    if (isUserId(text) && isNew(text)) {
        found.push({ id: text, name: nameOf(text), note: `by id ${text}` });
    }

    return found;
}


function makeOption({ id, name, note }, n, elementId) {
    const avatar = make('span', { class: 'avatar', 'aria-hidden': 'true' });

    setAvatar(avatar, id, name);

    return make('li', { role: 'option', id: elementId, 'data-n': n },
                avatar, make('span', {}, name),
                make('small', {}, note ?? ''));
}

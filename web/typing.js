/*
 * The line that tells who types in the room that is open.
 */

import { $ } from './dom.js';
import { nameOf } from './people.js';

const MOST = 3;                 /* by name; of more the first two are named */


export class TypingLine {

    #room = null;
    #listener = () => this.#draw();

    show(room) {
        this.#room?.removeEventListener('typing', this.#listener);
        this.#room = room;
        room.addEventListener('typing', this.#listener);
        this.#draw();
    }


    #draw() {
        const text = typingText(this.#room.crowd.typists);

        /* what stands there already is not to be read out again */
        if ($('typing-text').textContent !== text) {
            $('typing-text').textContent = text;
            $('typing').classList.toggle('shown', text !== '');
        }
    }
}


/* the same in a few words, for the list */

export function typingHint({ type, crowd: { typists } }) {
    if (typists.length < 2) {
        return type === 'dm' && typists.length === 1 ? 'is typing…'
                                                     : typingText(typists);
    }

    return `${typists.length} people are typing…`;
}


/* a sentence, '' for nobody */

export function typingText(userIds) {
    const named = userIds.length > MOST ? MOST - 1 : userIds.length;
    const who = userIds.slice(0, named).map(nameOf);

    if (userIds.length > MOST) {
        who.push(`${userIds.length - named} others`);
    }

    if (who.length < 2) {
        return who.length === 0 ? '' : `${who[0]} is typing…`;
    }

    return `${who.slice(0, -1).join(', ')} and ${who.at(-1)} are typing…`;
}

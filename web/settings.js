/*
 * The dialog with the settings of a conversation.  Only what was changed is
 * sent: somebody else may be changing the rest.
 */

import { confirm, explain, setUp, show } from './dialogs.js';
import { $, make, toast } from './dom.js';
import { mayDestroy } from './rights.js';
import { duration } from './text.js';

const SLOW = [0, 5, 10, 30, 60, 300, 900, 3600, 21600];     /* seconds */


export class Settings {

    #room = null;
    #shown = {};                /* as they were when the dialog came up */

    constructor() {
        $('destroy').addEventListener('click', () => this.#destroy());
        setUp('settings', () => this.#save());
    }


    open(room) {
        const { name, description, readOnly, slowMode } = room;
        const choices = [...new Set([...SLOW, slowMode])]
            .sort((a, b) => a - b);

        this.#room = room;
        this.#shown = { name: name ?? '', description, readOnly, slowMode };

        $('settings-name').value = this.#shown.name;
        $('settings-text').value = description;
        $('settings-read-only').checked = readOnly;
        $('settings-slow').replaceChildren(...choices.map((seconds) =>
            make('option', { value: seconds },
                 seconds === 0 ? 'Off' : duration(seconds))));
        $('settings-slow').value = slowMode;
        $('destroy').hidden = !mayDestroy(room);
        show('settings');
    }


    async #save() {
        const wanted = {
            name: $('settings-name').value.trim(),
            description: $('settings-text').value.trim(),
            readOnly: $('settings-read-only').checked,
            slowMode: Number($('settings-slow').value)
        };
        const changed = Object.entries(wanted).filter(
            ([key, value]) => value !== this.#shown[key]);

        if (wanted.name === '') {
            throw new Error('Please enter a name.');
        }

        if (changed.length > 0) {
            await this.#room.conversation.update(Object.fromEntries(changed));
        }
    }


    async #destroy() {
        const { conversation, title } = this.#room;

        $('settings').close();

        const sure = await confirm({
            title: `Delete “${title}”?`,
            text: 'All of its messages are gone, for everyone. This cannot '
                  + 'be undone.',
            action: 'Delete'
        });

        if (!sure) {
            return;
        }

        try {
            await conversation.delete();
        } catch (error) {
            toast(explain(error));
        }
    }
}

/*
 * Where one writes: a message, an answer to one, or another wording of one's
 * own; with people named in it and links attached.  What was begun in a room
 * is there again when one comes back.
 */

import { explain, setUp, show } from './dialogs.js';
import { $, icon, make, toast, touch } from './dom.js';
import { Mentions } from './mention.js';
import { nameOf } from './people.js';
import { isModerator, mayWrite } from './rights.js';
import { countdown, duration, nameOfUrl, readContent, safeUrl, summary }
    from './text.js';

const MAX_ATTACHED = 10;


function emptyDraft() {
    return { text: '', replyTo: null, editing: null, attachments: [],
             mentions: [] };
}


export class Composer {

    #room = null;
    #draft = emptyDraft();
    #drafts = new Map();
    #mentions = new Mentions($('text'));
    #timer = 0;
    #listener = () => this.draw();

    /* onSent(): something of the user's own is on its way */
    constructor({ onSent }) {
        this.onSent = onSent;

        const on = (id, type, handler) => {
            $(id).addEventListener(type, handler);
        };

        on('composer', 'submit', (e) => this.#onSubmit(e));
        on('text', 'input', () => this.#onInput());
        on('text', 'blur', () => this.#room?.writing.stopTyping());
        on('text', 'keydown', (e) => this.#onKey(e));
        on('context-close', 'click', () => this.#cancel());
        on('attach-open', 'click', () => this.#openAttach());
        on('unblock', 'click', () => this.#unblock());
        setUp('attach', () => this.#attach());
    }


    show(room) {
        if (this.#room !== null) {
            this.#room.removeEventListener('change', this.#listener);
            this.#room.writing.stopTyping();
            this.#keep();
            this.#drafts.set(this.#room.id, this.#draft);
        }

        this.#room = room;
        room.addEventListener('change', this.#listener);
        this.#take(this.#drafts.get(room.id) ?? emptyDraft());

        if (!touch.matches) {
            $('text').focus();
        }
    }


    reply(message) {
        this.#keep();

        if (this.#draft.editing !== null) {
            this.#draft = emptyDraft();
        }

        this.#take({ ...this.#draft, replyTo: message });
        $('text').focus();
    }


    edit(message) {
        this.#take({ ...emptyDraft(), editing: message,
                     text: readContent(message.content).text });
        $('text').focus();
        $('text').setSelectionRange(-1, -1);
    }


    /* -- the draft ------------------------------------------------------- */

    #keep() {
        this.#draft.text = $('text').value;
        this.#draft.mentions = this.#mentions.chosen;
    }


    #take(draft) {
        this.#draft = draft;
        $('text').value = draft.text;
        this.#mentions.chosen = draft.mentions;
        this.#mentions.watch(draft.editing !== null ? null
            : () => this.#room.members.others.map((m) => m.userId));
        this.draw();
    }


    #cancel() {
        if (this.#draft.editing !== null) {
            this.#take(emptyDraft());
        } else {
            this.#keep();
            this.#take({ ...this.#draft, replyTo: null });
        }

        $('text').focus();
    }


    /* -- drawing --------------------------------------------------------- */

    draw() {
        const text = $('text');
        const { replyTo, editing, attachments } = this.#draft;

        this.#drawBarred();
        this.#drawContext();
        this.#drawAttached();
        this.#drawWait();

        text.placeholder = editing !== null ? 'Another wording'
                                            : `Message ${this.#room.title}`;
        $('attach-open').disabled = editing !== null
                                    || attachments.length >= MAX_ATTACHED;
        $('composer').classList.toggle('framed', replyTo !== null
            || editing !== null || attachments.length > 0);
        text.style.setProperty('height', 'auto');
        text.style.setProperty('height', `${text.scrollHeight}px`);
    }


    /* who may not write is told why, in place of the field */
    #drawBarred() {
        const room = this.#room;
        const broken = room.failure !== null || room.ended !== null;
        const blocked = this.#hasBlocked();
        const barred = !broken && (blocked || !mayWrite(room));

        $('barred').hidden = !barred;
        $('barred-text').textContent = blocked
            ? `You have blocked ${room.title}.`
            : 'Only moderators can write here.';
        $('unblock').hidden = !blocked;
        $('composer').hidden = broken || barred;
        $('text').disabled = broken || barred;
    }


    /* the list of members leaves out whom one has blocked in a dm */
    #hasBlocked() {
        const { type, peer, members } = this.#room;

        return type === 'dm' && peer !== null && members.loaded
               && (members.get(peer)?.role ?? 'blocked') === 'blocked';
    }


    #drawContext() {
        const { replyTo, editing } = this.#draft;
        const about = editing ?? replyTo;

        $('context').hidden = about === null;

        if (about !== null) {
            $('context').querySelector('use').setAttribute('href',
                editing !== null ? '#i-edit' : '#i-reply');
            $('context-title').textContent = editing !== null
                ? 'Editing your message'
                : replyTo.mine ? 'Reply to your own message'
                               : `Reply to ${nameOf(replyTo.senderId)}`;
            $('context-quote').textContent = summary(about);
        }
    }


    #drawAttached() {
        const { attachments } = this.#draft;

        $('attached').hidden = attachments.length === 0;
        $('attached').replaceChildren(...attachments.map((attachment, n) => {
            const remove = make('button', {
                type: 'button', class: 'icon',
                'aria-label': `Remove ${attachment.name}`
            }, icon('close'));

            remove.addEventListener('click', () => {
                attachments.splice(n, 1);
                this.draw();
                $('text').focus();
            });

            return make('li', {}, icon('file'),
                        make('span', {}, attachment.name), remove);
        }));
    }


    /* slow mode: how long it still lasts */
    #drawWait() {
        const { slowMode } = this.#room;
        const wait = this.#draft.editing === null ? this.#room.writing.wait : 0;
        const seconds = Math.ceil(wait / 1000);

        clearTimeout(this.#timer);

        if (seconds > 0) {
            this.#timer = setTimeout(() => this.draw(),
                                     wait - (seconds - 1) * 1000 + 10);
        }

        $('countdown').textContent = seconds > 0 ? countdown(seconds) : '';
        $('send').classList.toggle('waiting', seconds > 0);
        $('send').disabled = seconds > 0 || this.#isEmpty();
        $('slow').hidden = slowMode === 0 || isModerator(this.#room);
        $('slow').textContent = 'Slow mode: one message every '
                                + duration(slowMode);
    }


    #isEmpty() {
        return $('text').value.trim() === ''
               && this.#draft.attachments.length === 0;
    }


    /* another wording of what is there is nobody's affair until it is saved */
    #onInput() {
        if ($('text').value.trim() === '') {
            this.#room.writing.stopTyping();

        } else if (this.#draft.editing === null) {
            this.#room.writing.typing();
        }

        this.draw();
    }


    /* -- writing --------------------------------------------------------- */

    /* Enter sends; on a touch screen it is a new line, and a button sends */
    #onKey(e) {
        if (e.isComposing || this.#mentions.onKey(e)) {
            return;
        }

        if (e.key === 'Enter' && !e.shiftKey && !touch.matches) {
            e.preventDefault();
            $('composer').requestSubmit();

        } else if (e.key === 'Escape' && !$('context').hidden) {
            e.preventDefault();
            this.#cancel();

        } else if (e.key === 'ArrowUp' && $('text').value === ''
                   && this.#draft.editing === null)
        {
            this.#editLast(e);
        }
    }


    #editLast(e) {
        const last = this.#room.history.list.findLast((m) => m.mine);

        if (last !== undefined) {
            e.preventDefault();
            this.edit(last);
        }
    }


    #onSubmit(e) {
        const text = $('text').value.trim();
        const { editing } = this.#draft;

        e.preventDefault();

        if (this.#isEmpty() || $('send').disabled) {
            return;
        }

        if (editing !== null) {
            this.#save(editing, text);
        } else {
            this.#send(text);
        }

        this.#take(emptyDraft());
        $('text').focus();
    }


    #send(text) {
        const { replyTo, attachments } = this.#draft;
        const mentions = this.#mentions.within(text);

        this.#room.writing.send(text, {
            ...replyTo !== null ? { replyTo: replyTo.id } : {},
            ...mentions.length > 0 ? { mentions } : {},
            ...attachments.length > 0 ? { attachments } : {}
        });
        this.onSent();
    }


    async #save(message, text) {
        if (text === readContent(message.content).text) {
            return;
        }

        try {
            await this.#room.writing.edit(message, text);
        } catch (error) {
            toast(explain(error));
        }
    }


    /* -- links ----------------------------------------------------------- */

    #openAttach() {
        $('attach-form').reset();
        show('attach');
    }


    #attach() {
        const url = safeUrl($('attach-url').value.trim());

        if (url === null) {
            throw new Error('Please enter an address that begins with '
                            + 'https:// or http://.');
        }

        const name = $('attach-name').value.trim() || nameOfUrl(url);

        this.#draft.attachments.push({ url, name });
        this.draw();
        $('text').focus();
    }


    async #unblock() {
        const { conversation, peer } = this.#room;

        try {
            await conversation.updateMember(peer, 'member');
        } catch (error) {
            toast(explain(error));
        }
    }
}

/*
 * Shows the messages of a room.  The elements are kept and moved rather than
 * made anew, so that selection, focus and what a screen reader has said stay.
 */

import { $, arrange, clone, make } from './dom.js';
import { fillMessage, keyOf } from './message.js';
import { listNames, nameOf, setAvatar, whoOf } from './people.js';
import { readersOf, receiptOf, rowsOf } from './rows.js';
import { dayName } from './text.js';

const NEAR_END = 80;            /* pixels that still count as the end */
const NEAR_TOP = 400;
const MAX_SHOWN_READERS = 20;   /* members; with more nobody wants to see it */
const MAX_FACES = 5;


export class LogView {

    #room = null;
    #nodes = new Map();
    #frame = 0;
    #pinned = true;             /* the end stays in view */
    #missed = 0;                /* messages that came below the view */
    #length = 0;
    #divider = null;            /* what was read when the room was opened */
    #toDivider = false;         /* it is to be scrolled to */
    #listener = (e) => this.schedule(e.detail.bulk);

    /* looking(): does the user see the page? */
    constructor({ looking }) {
        this.looking = looking;
        $('log').addEventListener('scroll', () => this.#onScroll(),
                                  { passive: true });
        $('jump').addEventListener('click', () => this.toEnd(true));
        new ResizeObserver(() => this.#keepEnd()).observe($('log'));
    }


    get room() {
        return this.#room;
    }


    show(room) {
        this.#room?.removeEventListener('change', this.#listener);
        this.#room = room;
        this.#nodes.clear();
        this.#pinned = true;
        this.#missed = 0;
        this.#length = 0;
        this.#divider = room.reading.unread > 0 ? room.reading.last : null;
        this.#toDivider = this.#divider !== null;
        $('messages').replaceChildren();
        room.addEventListener('change', this.#listener);
        this.schedule(true);
    }


    toEnd(smooth = false) {
        this.#pinned = true;
        this.#missed = 0;
        $('log').scrollTo({ top: $('log').scrollHeight,
                            behavior: smooth ? 'smooth' : 'instant' });
        this.#showJump();
    }


    /* the user has answered: nothing is new any more */
    settle() {
        this.#divider = null;
        this.toEnd();
        this.schedule();
    }


    /* the message of an element inside the log */
    messageAt(element) {
        const key = element.closest('.message')?.dataset.key;

        return this.#room.messages.find((m) => keyOf(m) === key);
    }


    nodeOf(message) {
        return this.#nodes.get(keyOf(message))?.node;
    }


    /* shows a message that is loaded, and where it is */
    reveal(message) {
        const node = this.nodeOf(message)
                     ?? this.#nodes.get(`gone ${message.id}`)?.node;

        this.#pinned = false;
        node?.scrollIntoView({ block: 'center' });
        node?.classList.add('flash');
        node?.addEventListener('animationend',
                               () => node.classList.remove('flash'),
                               { once: true });
    }


    /* what is in view was seen, if there is somebody who looks */
    see() {
        const room = this.#room;

        if (!this.looking() || !room?.history.loaded) {
            return;
        }

        room.see(this.#pinned ? room.sequenceNumber : this.#lastInView());
    }


    /* -- drawing --------------------------------------------------------- */

    schedule(bulk = false) {
        if (bulk) {
            $('log').setAttribute('aria-live', 'off');
        }

        if (this.#frame === 0) {
            this.#frame = requestAnimationFrame(() => this.draw());
        }
    }


    /* at once, for those who need the elements */
    draw() {
        const room = this.#room;
        const log = $('log');
        const fromEnd = log.scrollHeight - log.scrollTop;

        cancelAnimationFrame(this.#frame);
        this.#frame = 0;

        if (this.#pinned) {
            room.history.trim();
        }

        if (this.#divider === null && room.reading.unread > 0
            && !this.looking())
        {
            this.#divider = room.reading.last;
        }

        const gone = room.failure !== null || room.ended !== null;
        const messages = gone ? [] : room.messages;
        const added = messages.length - this.#length;
        const readers = this.#members === null
            ? new Map() : readersOf(messages, this.#members);
        const older = this.#place(rowsOf(messages, { divider: this.#divider,
                                                     readers }));

        this.#length = messages.length;
        this.#showParts(room, messages.length);

        if (this.#toDivider && room.history.loaded) {
            this.#showDivider();

        } else if (this.#pinned) {
            this.toEnd();

        } else if (older) {
            log.scrollTop = log.scrollHeight - fromEnd;

        } else if (added > 0) {
            this.#missed += added;
        }

        this.#onScroll();

        /* what was drawn at once must not be read out, what comes now may */
        requestAnimationFrame(() => log.setAttribute('aria-live', 'polite'));
    }


    /* the first unread message on top, if not all of them fit */
    #showDivider() {
        const node = this.#nodes.get('new')?.node;

        this.#toDivider = false;
        this.toEnd();

        if (node !== undefined && node.offsetTop < $('log').scrollTop) {
            $('log').scrollTop = node.offsetTop - 16;
        }
    }


    #showParts({ history, failure, ended, title, type }, count) {
        const { loaded, loading, complete } = history;
        const gone = failure !== null || ended !== null;

        $('skeleton').hidden = loaded || gone;
        $('empty').hidden = !loaded || gone || count > 0;
        $('empty-hint').textContent = type === 'channel'
            ? 'Say hello. Whoever has the link can join in.'
            : 'Say hello.';
        $('missing').hidden = !gone;
        $('older').classList.toggle('busy', loaded && loading);
        $('older').hidden = !loaded || complete || gone;

        if (gone) {
            $('missing-title').textContent = ended !== null
                ? endText(ended, title) : failureText(failure);
        }
    }


    /* puts the rows where they belong; true if some were put on top */
    #place(rows) {
        const list = $('messages');
        const keys = new Set(rows.map((row) => row.key));
        const firstBefore = list.querySelector('.message');

        for (const key of this.#nodes.keys()) {
            if (!keys.has(key)) {
                this.#nodes.delete(key);
            }
        }

        arrange(list, rows.map((row) => this.#nodeFor(row)));
        this.#rove();

        return firstBefore !== null && firstBefore.isConnected
               && firstBefore !== list.querySelector('.message');
    }


    /* one message can be reached by Tab, the others from it by arrows */
    #rove() {
        const list = $('messages');

        if (list.querySelector('.message[tabindex="0"]') === null) {
            Array.from(list.querySelectorAll('.message')).at(-1)
                 ?.setAttribute('tabindex', '0');
        }
    }


    #nodeFor(row) {
        const entry = this.#nodes.get(row.key)
                      ?? { node: this.#make(row), drawn: null };

        this.#nodes.set(row.key, entry);

        if (row.message !== undefined) {
            this.#draw(entry, row);

        } else if (row.readers !== undefined) {
            fillReaders(entry.node, row.readers);
        }

        return entry.node;
    }


    /* only what differs from what was drawn */
    #draw(entry, row) {
        const { message, first, last } = row;
        const quoted = message.replyTo === undefined ? undefined
            : this.#room.history.find(message.replyTo) ?? null;
        const receipt = this.#receipt(message);
        const names = message.mentions.map(nameOf);
        const drawn = [first, last, message.state, message.version,
                       message.saving, receipt, quoted?.version,
                       quoted === null, nameOf(message.senderId),
                       ...names].join();

        if (entry.drawn !== drawn) {
            entry.drawn = drawn;
            fillMessage(entry.node, { message, first, last, quoted, receipt });
        }
    }


    #make({ day, gone, readers, message }) {
        if (message !== undefined) {
            return clone('t-message');
        }

        if (readers !== undefined) {
            return clone('t-readers');
        }

        const node = clone(day ? 't-day' : gone ? 't-gone' : 't-new');

        if (day !== undefined) {
            node.firstElementChild.textContent = dayName(day);
        }

        if (gone !== undefined) {
            const who = gone.deletedBy ? whoOf(gone.deletedBy) : 'An operator';

            node.lastElementChild.textContent = `${who} deleted a message`;
        }

        return node;
    }


    /* in a large conversation nobody wants to see who has read what */
    get #members() {
        const { members } = this.#room;

        return members.loaded && !members.partial
               && members.others.length <= MAX_SHOWN_READERS ? members : null;
    }


    #receipt({ mine, state, sequenceNumber }) {
        return mine && state === 'sent' && this.#room.type !== 'channel'
               && this.#members !== null
            ? receiptOf({ sequenceNumber }, this.#members) : undefined;
    }


    /* -- scrolling ------------------------------------------------------- */

    #onScroll() {
        const log = $('log');

        this.#pinned = log.scrollHeight - log.scrollTop - log.clientHeight
                       < NEAR_END;

        if (this.#pinned) {
            this.#missed = 0;
        }

        if (log.scrollTop < NEAR_TOP) {
            this.#room?.history.loadOlder();
        }

        this.see();
        this.#showJump();
    }


    #lastInView() {
        const end = $('log').scrollTop + $('log').clientHeight;
        const seen = this.#room.history.list.findLast((message) => {
            const node = this.nodeOf(message);

            return node !== undefined
                   && node.offsetTop + node.offsetHeight / 2 < end;
        });

        return seen?.sequenceNumber ?? 0;
    }


    #keepEnd() {
        if (this.#pinned) {
            this.toEnd();
        }
    }


    #showJump() {
        $('jump').hidden = this.#pinned;
        $('jump-count').textContent = this.#missed > 0 ? this.#missed : '';
    }
}


function fillReaders(node, readers) {
    const text = `Read by ${listNames(readers)}`;

    node.title = text;
    node.replaceChildren(
        make('span', { class: 'hidden' }, text),
        ...readers.slice(0, MAX_FACES).map((userId) => {
            const face = make('span', { class: 'avatar face',
                                        'aria-hidden': 'true' });

            setAvatar(face, userId, nameOf(userId));

            return face;
        }));

    if (readers.length > MAX_FACES) {
        node.append(make('span', { class: 'faces-more',
                                   'aria-hidden': 'true' },
                         `+${readers.length - MAX_FACES}`));
    }
}


function endText({ reason, role }, title) {
    if (reason === 'deleted') {
        return `“${title}” was deleted`;
    }

    if (reason === 'left') {
        return role === 'blocked'
            ? `You were blocked in “${title}”`
            : `You are no longer a member of “${title}”`;
    }

    return `You can no longer see “${title}”`;
}


function failureText(failure) {
    return failure.code === 'not_found'
        ? 'This conversation does not exist'
        : `This conversation cannot be opened: ${failure.message}`;
}

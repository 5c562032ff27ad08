/*
 * Shows the messages of a room.  The elements are kept and moved rather than
 * made anew, so that selection, focus and what a screen reader has said stay.
 */

import { dayKey, dayName, fullTime, isEmoji, senderName, setAvatar, setText,
         textOf, timeOfDay } from './text.js';

const GROUP_GAP = 5 * 60000;    /* ms; then a sender is named again */
const NEAR_END = 80;            /* pixels that still count as the end */
const NEAR_TOP = 400;

const STATES = { sending: 'Sending', sent: 'Sent', failed: 'Not sent' };

const $ = (id) => document.getElementById(id);


/* the rows to show: days, and messages with their place in a group */

function rowsOf(messages) {
    const rows = [];
    let before = null;          /* the row of the message before */

    for (const message of messages) {
        const newDay = before === null
            || dayKey(before.message.date) !== dayKey(message.date);
        const first = newDay || before.message.senderId !== message.senderId
            || message.date - before.message.date > GROUP_GAP;

        if (newDay) {
            rows.push({ key: `day ${dayKey(message.date)}`,
                        day: dayName(message.date) });
        }

        if (first && before !== null) {
            before.last = true;
        }

        before = {
            key: message.mine && message.clientMessageId
                 ? `mine ${message.clientMessageId}` : message.id,
            message,
            first,
            last: false
        };
        rows.push(before);
    }

    if (before !== null) {
        before.last = true;
    }

    return rows;
}


export class LogView {

    #room = null;
    #nodes = new Map();
    #frame = 0;
    #pinned = true;             /* the end stays in view */
    #missed = 0;                /* messages that came below the view */
    #length = 0;
    #listener = (e) => this.#schedule(e.detail.bulk);

    constructor() {
        $('log').addEventListener('scroll', () => this.#onScroll(),
                                  { passive: true });
        $('jump').addEventListener('click', () => this.toEnd(true));
        $('messages').addEventListener('click', (e) => this.#onClick(e));
        new ResizeObserver(() => this.#keepEnd()).observe($('log'));
    }


    show(room) {
        this.#room?.removeEventListener('change', this.#listener);
        this.#room = room;
        this.#nodes.clear();
        this.#pinned = true;
        this.#missed = 0;
        this.#length = 0;
        $('messages').replaceChildren();
        room.addEventListener('change', this.#listener);
        this.#schedule(true);
    }


    toEnd(smooth = false) {
        this.#pinned = true;
        this.#missed = 0;
        $('log').scrollTo({ top: $('log').scrollHeight,
                            behavior: smooth ? 'smooth' : 'instant' });
        this.#showJump();
    }


    /* -- drawing --------------------------------------------------------- */

    #schedule(bulk) {
        if (bulk) {
            $('log').setAttribute('aria-live', 'off');
        }

        if (this.#frame === 0) {
            this.#frame = requestAnimationFrame(() => this.#draw());
        }
    }


    #draw() {
        const room = this.#room;
        const messages = room.messages;
        const log = $('log');
        const fromEnd = log.scrollHeight - log.scrollTop;

        this.#frame = 0;

        if (this.#pinned) {
            room.trim();
        }

        const added = messages.length - this.#length;
        const older = this.#place(rowsOf(messages));

        this.#length = messages.length;
        this.#showParts(room, messages.length);

        if (this.#pinned) {
            this.toEnd();

        } else if (older) {
            log.scrollTop = log.scrollHeight - fromEnd;

        } else if (added > 0) {
            this.#missed += added;
        }

        this.#showJump();
        this.#onScroll();

        /* what was drawn at once must not be read out, what comes now may */
        requestAnimationFrame(() => log.setAttribute('aria-live', 'polite'));
    }


    #showParts(room, count) {
        const { loaded, loading, failure, complete } = room;

        $('skeleton').hidden = loaded || failure !== null;
        $('empty').hidden = !loaded || failure !== null || count > 0;
        $('missing').hidden = failure === null;
        $('older').classList.toggle('busy', loaded && loading);
        $('older').hidden = !loaded || complete;

        if (failure !== null) {
            $('missing-title').textContent = failure.code === 'not_found'
                ? 'This conversation does not exist'
                : `This conversation cannot be opened: ${failure.message}`;
        }
    }


    /* puts the rows where they belong; true if some were put on top */
    #place(rows) {
        const list = $('messages');
        const keys = new Set(rows.map((row) => row.key));
        const firstBefore = list.querySelector('.message');

        for (const [key, { node }] of this.#nodes) {
            if (!keys.has(key)) {
                node.remove();
                this.#nodes.delete(key);
            }
        }

        let next = list.firstChild;

        for (const row of rows) {
            const node = this.#nodeOf(row);

            if (node === next) {
                next = node.nextSibling;
            } else {
                list.insertBefore(node, next);
            }
        }

        return firstBefore !== null && firstBefore.isConnected
               && firstBefore !== list.querySelector('.message');
    }


    #nodeOf(row) {
        let entry = this.#nodes.get(row.key);

        if (entry === undefined) {
            entry = { node: this.#make(row), drawn: '' };
            this.#nodes.set(row.key, entry);
        }

        if (row.message !== undefined) {
            const { state, edited, content } = row.message;
            const drawn = [row.first, row.last, state, edited,
                           content === null].join();

            if (entry.drawn !== drawn) {
                entry.drawn = drawn;
                this.#fill(entry.node, row);
            }
        }

        return entry.node;
    }


    #make(row) {
        const name = row.message === undefined ? 't-day' : 't-message';
        const node = $(name).content.firstElementChild.cloneNode(true);

        if (row.day !== undefined) {
            node.firstElementChild.textContent = row.day;
        }

        return node;
    }


    #fill(node, { message, first, last }) {
        const part = (selector) => node.querySelector(selector);
        const name = senderName(message);
        const text = message.content === null ? 'Message deleted'
                                              : textOf(message.content);

        node.className = `message ${message.state}`;
        node.classList.toggle('own', message.mine);
        node.classList.toggle('first', first);
        node.classList.toggle('last', last);
        node.classList.toggle('gone', message.content === null);
        node.classList.toggle('emoji', isEmoji(text));
        node.dataset.id = message.clientMessageId ?? '';

        setAvatar(part('.avatar'), message.senderId, name);
        part('.who').textContent = name;
        part('.who').style.setProperty('--hue',
            part('.avatar').style.getPropertyValue('--hue'));
        part('.who').classList.toggle('hidden', !first || message.mine);
        setText(part('.text'), text);

        part('time').textContent = (message.edited ? 'edited ' : '')
                                   + timeOfDay(message.date);
        part('time').dateTime = message.date.toISOString();
        part('time').title = fullTime(message.date);

        part('.state').classList.toggle('absent', !message.mine);
        part('.state use').setAttribute('href', `#i-${message.state}`);
        part('.state-text').textContent = message.mine ? STATES[message.state]
                                                       : '';
        part('.retry').hidden = message.state !== 'failed';
        part('.retry').title = message.error ?? '';
    }


    /* -- scrolling ------------------------------------------------------- */

    #onScroll() {
        const log = $('log');

        this.#pinned = log.scrollHeight - log.scrollTop - log.clientHeight
                       < NEAR_END;

        if (this.#pinned) {
            this.#missed = 0;
        }

        if (log.scrollTop < NEAR_TOP && this.#room?.failure === null) {
            this.#room.loadOlder();
        }

        this.#showJump();
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


    #onClick(e) {
        if (e.target.closest('.retry') !== null) {
            this.#room.retry(e.target.closest('.message').dataset.id);
        }
    }
}

/*
 * What can be done with a message: the tools beside it, its menu, and the keys
 * that go through the log.
 */

import { confirm, explain } from './dialogs.js';
import { $, clone, toast, touch } from './dom.js';
import { openMenu } from './menu.js';
import { listNames } from './people.js';
import { mayDelete, mayWrite } from './rights.js';
import { readContent } from './text.js';

const EMOJIS = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👀'];


export class Actions {

    #log;
    #composer;
    #tools = clone('t-actions');

    constructor(log, composer) {
        this.#log = log;
        this.#composer = composer;

        const on = (type, handler) => {
            $('messages').addEventListener(type, handler);
        };

        on('click', (e) => this.#onClick(e));
        on('contextmenu', (e) => this.#onContextMenu(e));
        on('pointerover', (e) => this.#onPointer(e));
        on('focusin', (e) => this.#showTools(e.target));
        on('keydown', (e) => this.#onKey(e));
    }


    /* -- the tools ------------------------------------------------------- */

    /* there is one set of them, beside the message that is pointed at */
    #showTools(element) {
        const node = element.closest('.message');
        const message = node && this.#log.messageAt(node);

        if (message?.state !== 'sent' || touch.matches) {
            return;
        }

        const line = node.querySelector('.line');

        if (this.#tools.parentNode !== line) {
            line.append(this.#tools);
        }

        this.#tools.querySelector('.tool-reply').hidden
            = !mayWrite(this.#log.room);
    }


    /* a pointer must not take them away from somebody who types */
    #onPointer(e) {
        const busy = this.#tools.contains(document.activeElement)
                     && document.activeElement.matches(':focus-visible');

        if (e.pointerType === 'mouse' && !busy) {
            this.#showTools(e.target);
        }
    }


    #onClick(e) {
        const message = e.target.closest('.message')
                        && this.#log.messageAt(e.target);
        const hit = (selector) => e.target.closest(selector);

        if (!message) {
            return;
        }

        if (hit('.tool-react')) {
            this.#chooseEmoji(hit('.tool-react'), message);

        } else if (hit('.tool-reply')) {
            this.#composer.reply(message);

        } else if (hit('.tool-more')) {
            this.#openMenu(hit('.tool-more'), message);

        } else if (hit('.chip')) {
            this.#react(message, hit('.chip').dataset.emoji);

        } else if (hit('.quote')) {
            this.#goTo(message.replyTo);

        } else if (hit('.retry')) {
            this.#log.room.writing.retry(message);

        } else if (hit('.discard')) {
            this.#log.room.writing.discard(message);

        } else if (touch.matches && hit('.bubble') && !hit('a')) {
            this.#openMenu(hit('.message'), message);
        }
    }


    /* not over a selection or a link, which have a menu of the browser */
    #onContextMenu(e) {
        const message = e.target.closest('.bubble')
                        && this.#log.messageAt(e.target);

        if (message?.state === 'sent' && !e.target.closest('a')
            && getSelection().isCollapsed)
        {
            e.preventDefault();
            this.#openMenu(e.target.closest('.message'), message,
                           { x: e.clientX, y: e.clientY });
        }
    }


    /* -- keys ------------------------------------------------------------ */

    #onKey(e) {
        const node = e.target;

        if (!node.matches('.message')) {
            if (e.key === 'Escape' && node.closest('.message')) {
                node.closest('.message').focus();
            }
            return;
        }

        const nodes = Array.from($('messages').querySelectorAll('.message'));
        const at = nodes.indexOf(node);
        const steps = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0,
                        End: nodes.length - 1 };

        if (e.key in steps) {
            this.#focus(nodes, Math.max(0, Math.min(steps[e.key],
                                                    nodes.length - 1)));

        } else if (e.key === 'Enter' || e.key === 'ContextMenu') {
            this.#openMenu(node, this.#log.messageAt(node));

        } else {
            return;
        }

        e.preventDefault();
    }


    #focus(nodes, at) {
        nodes.forEach((node) => node.setAttribute('tabindex', '-1'));
        nodes[at].setAttribute('tabindex', '0');
        nodes[at].focus();
        nodes[at].scrollIntoView({ block: 'nearest' });
    }


    /* -- the menu -------------------------------------------------------- */

    #openMenu(anchor, message, at) {
        if (message.state !== 'sent') {
            return;
        }

        openMenu(anchor, {
            label: 'Message', at,
            emojis: EMOJIS,
            onEmoji: (emoji) => this.#react(message, emoji),
            lines: Array.from(message.reactions, ([emoji, users]) =>
                `${emoji} ${listNames(Array.from(users))}`),
            items: this.#itemsFor(message)
        });
    }


    #itemsFor(message) {
        const { room } = this.#log;
        const { text } = readContent(message.content);
        const items = [];

        if (mayWrite(room)) {
            items.push({ icon: 'reply', label: 'Reply',
                         action: () => this.#composer.reply(message) });
        }

        if (text !== '') {
            items.push({ icon: 'copy', label: 'Copy text',
                         action: () => copy(text) });
        }

        if (message.mine && mayWrite(room)) {
            items.push({ icon: 'edit', label: 'Edit',
                         action: () => this.#composer.edit(message) });
        }

        if (mayDelete(room, message)) {
            items.push({ icon: 'trash', label: 'Delete', danger: true,
                         action: () => this.#delete(message) });
        }

        return items;
    }


    #chooseEmoji(anchor, message) {
        openMenu(anchor, {
            label: 'Reactions', emojis: EMOJIS,
            onEmoji: (emoji) => this.#react(message, emoji)
        });
    }


    async #react(message, emoji) {
        try {
            await this.#log.room.writing.react(message, emoji);
        } catch (error) {
            toast(explain(error));
        }
    }


    async #delete(message) {
        const { conversation } = this.#log.room;
        const sure = await confirm({
            title: 'Delete this message?',
            text: 'It is gone for everyone. This cannot be undone.',
            action: 'Delete'
        });

        if (!sure) {
            return;
        }

        try {
            await conversation.deleteMessage(message.id);
        } catch (error) {
            toast(explain(error));
        }
    }


    async #goTo(messageId) {
        const { room } = this.#log;
        const message = await room.history.fetch(messageId);

        if (room !== this.#log.room) {
            return;
        }

        if (message === undefined) {
            toast('This message cannot be found any more.');
        } else {
            this.#log.draw();
            this.#log.reveal(message);
        }
    }
}


async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        toast('Copied');
    } catch {
        toast('The browser does not allow copying.');
    }
}

/*
 * How one message looks.
 */

import { explain } from './dialogs.js';
import { arrange, icon, make } from './dom.js';
import { hueOf, isSelf, listNames, nameOf, setAvatar, whoOf }
    from './people.js';
import { attachmentName, fullTime, hostOf, isEmoji, makeLink, readContent,
         safeUrl, setText, summary, timeOfDay } from './text.js';

const STATES = { sending: 'Sending', sent: 'Sent', delivered: 'Delivered',
                 read: 'Read', failed: 'Not sent', saving: 'Saving' };


/*
 * Fills the element of a message.  quoted: the message that it answers, null
 * if that is not loaded, undefined if it answers none.  receipt: how far an
 * own message has come.
 */

export function fillMessage(node, { message, first, last, quoted, receipt }) {
    const part = (selector) => node.querySelector(selector);
    const name = nameOf(message.senderId);
    const { text, label, card, system } = readContent(message.content);
    const cards = card ? [card, ...message.attachments] : message.attachments;

    node.className = `message ${message.state}`;
    node.classList.toggle('own', message.mine);
    node.classList.toggle('first', first);
    node.classList.toggle('last', last);
    node.classList.toggle('saving', message.saving === true);
    node.classList.toggle('system', system === true);
    node.classList.toggle('emoji', isEmoji(text) && cards.length === 0
                                   && quoted === undefined);
    node.dataset.key = keyOf(message);

    setAvatar(part('.avatar'), message.senderId, name);
    part('.who').textContent = message.mine ? 'You' : name;
    part('.who').style.setProperty('--hue', hueOf(message.senderId));
    part('.who').classList.toggle('hidden', !first || message.mine);

    fillQuote(part('.quote'), quoted);
    setText(part('.text'), text, mentionsOf(message));
    part('.text').classList.toggle('empty', text === '');

    if (label !== undefined) {
        part('.text').append(make('i', { class: 'label' }, label));
    }

    fillCards(part('.cards'), cards);
    fillMeta(part('.meta'), message, receipt);
    fillReactions(part('.reactions'), message);
    fillFailure(part('.failure'), message);
}


/* by it an element knows its message */

export function keyOf(message) {
    return message.mine && message.clientMessageId
        ? `mine ${message.clientMessageId}` : message.id;
}


function mentionsOf(message) {
    return message.mentions.map((userId) => ({
        label: `@${nameOf(userId)}`, own: isSelf(userId)
    }));
}


function fillQuote(quote, quoted) {
    quote.hidden = quoted === undefined;

    if (quoted === undefined) {
        return;
    }

    const known = quoted !== null && !quoted.deleted;

    quote.querySelector('.quote-who').textContent = known
        ? whoOf(quoted.senderId) : '';
    quote.querySelector('.quote-text').textContent = quoted === null
        ? 'An earlier message' : summary(quoted);
    quote.title = 'Go to this message';
}


/* references: what may be followed can be clicked, the rest is named */

function fillCards(list, cards) {
    list.hidden = cards.length === 0;
    list.replaceChildren(...cards.map((card) => {
        const address = safeUrl(card.url);
        const body = [
            icon('file'),
            make('span', { class: 'card-text' },
                 make('b', {}, attachmentName(card)),
                 make('small', {}, hostOf(card.url) || 'Attachment'))
        ];

        if (address === null) {
            return make('li', {}, make('span', { class: 'attachment' },
                                       ...body));
        }

        const link = makeLink(address, '');

        link.className = 'attachment';
        link.append(...body);

        return make('li', {}, link);
    }));
}


function fillMeta(meta, message, receipt) {
    const time = meta.querySelector('time');
    const state = message.saving ? 'saving' : receipt ?? message.state;
    const shown = { saving: 'sending', read: 'delivered' }[state] ?? state;

    time.textContent = (message.editedAt ? 'edited ' : '')
                       + timeOfDay(message.date);
    time.dateTime = message.date.toISOString();
    time.title = fullTime(message.date)
        + (message.editedAt
           ? `, edited ${fullTime(new Date(message.editedAt))}` : '');

    meta.dataset.state = message.mine ? state : '';
    meta.querySelector('.state').classList.toggle('absent', !message.mine);
    meta.querySelector('use').setAttribute('href', `#i-${shown}`);
    meta.querySelector('.state-text').textContent = message.mine
        ? STATES[state] : '';
}


/* a button for each emoji; it stays, since it may have the focus */

function fillReactions(group, { reactions }) {
    const old = new Map(Array.from(group.children,
                                   (chip) => [chip.dataset.emoji, chip]));
    const chips = Array.from(reactions, ([emoji, users]) =>
        fillChip(old.get(emoji) ?? make('button', { type: 'button',
                                                    class: 'chip' },
                                        make('span', {}), make('b', {})),
                 emoji, Array.from(users)));

    group.hidden = chips.length === 0;
    arrange(group, chips);
}


function fillChip(chip, emoji, users) {
    const own = users.some(isSelf);

    chip.dataset.emoji = emoji;
    chip.firstChild.textContent = emoji;
    chip.lastChild.textContent = users.length;
    chip.title = `${emoji} ${listNames(users)}`;
    chip.setAttribute('aria-pressed', own);
    chip.setAttribute('aria-label',
                      `${emoji} by ${listNames(users)}, `
                      + (own ? 'remove yours' : 'add yours'));

    return chip;
}


function fillFailure(failure, { state, error }) {
    failure.hidden = state !== 'failed';
    failure.querySelector('span').textContent = state === 'failed'
        ? `Not sent. ${explain(error)}` : '';
}

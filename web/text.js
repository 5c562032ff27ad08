/*
 * What the page shows of times, texts and contents.  Nothing here makes HTML
 * of a text: elements get it as textContent.
 */

import { make } from './dom.js';

const LINK = /\bhttps?:\/\/[^\s<>"]+/gi;
const TRAILING = /[.,;:!?'")\]}»”’]+$/;

/* one to three pictures and nothing else */
const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}(?:\ufe0f|\u200d\p{Extended_Pictographic}|\p{Emoji_Modifier})*\s?){1,3}$/u;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full',
                                                  timeStyle: 'medium' });
const thisYear = new Intl.DateTimeFormat(undefined, {
    weekday: 'long', day: 'numeric', month: 'long'
});
const otherYear = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
const shortDate = new Intl.DateTimeFormat(undefined, { day: 'numeric',
                                                       month: 'short' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });


export function timeOfDay(date) {
    return clock.format(date);
}


export function fullTime(date) {
    return full.format(date);
}


/* for a list: the time of today, the name of yesterday, else the date */

export function shortTime(date, now = new Date()) {
    if (dayKey(date) === dayKey(now)) {
        return timeOfDay(date);
    }

    return daysBetween(date, now) === -1 ? dayName(date, now)
                                         : shortDate.format(date);
}


export function dayKey(date) {
    return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}


function capital(text) {
    return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}


function daysBetween(date, now) {
    const noon = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate(),
                                 12);

    return Math.round((noon(date) - noon(now)) / 86400000);
}


/* "Today", "Yesterday", or the date */

export function dayName(date, now = new Date()) {
    const days = daysBetween(date, now);

    if (days === 0 || days === -1) {
        return capital(relative.format(days, 'day'));
    }

    return date.getFullYear() === now.getFullYear() ? thisYear.format(date)
                                                    : otherYear.format(date);
}


/* seconds as people say them */

export function duration(seconds) {
    const units = [[3600, 'hour'], [60, 'minute'], [1, 'second']];
    const [size, unit] = units.find(([n]) => seconds >= n) ?? units[2];
    const count = Math.round(seconds / size);

    return `${count} ${unit}${count === 1 ? '' : 's'}`;
}


/* seconds as a clock that runs down: 0:07, 12:30, 1:00:00 */

export function countdown(seconds) {
    const two = (n) => String(n).padStart(2, '0');
    const minutes = Math.floor(seconds / 60) % 60;
    const hours = Math.floor(seconds / 3600);

    return hours > 0
        ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
        : `${minutes}:${two(seconds % 60)}`;
}


/* how long ago, as exactly as anybody wants to know */

export function lastSeenText(date, now = new Date()) {
    const minutes = Math.floor((now - date) / 60000);

    if (minutes < 1) {
        return 'Last seen just now';
    }

    if (minutes < 60) {
        return `Last seen ${relative.format(-minutes, 'minute')}`;
    }

    const days = daysBetween(date, now);
    const day = days === 0 || days === -1 ? relative.format(days, 'day')
                                          : `on ${shortDate.format(date)}`;

    return `Last seen ${day} at ${timeOfDay(date)}`;
}


/* -- contents ------------------------------------------------------------- */

const asText = (value) => typeof value === 'string' ? value : '';


/*
 * What can be shown of a content, which is a string or an object of a type
 * that need not be known here: {text, label, card}.  A label stands for what
 * cannot be shown; a card is a reference, as of an attachment.
 */

export function readContent(content) {
    if (typeof content === 'string') {
        return { text: content };
    }

    const type = asText(content?.type) || 'message';
    const text = asText(content?.text) || asText(content?.caption);

    switch (type) {
    case 'text':
        return { text };

    case 'image':
    case 'file':
        return { text, card: { ...content, name: asText(content.name)
                                                 || asText(content.alt)
                                                 || capital(type) } };

    case 'system':
        return { text: text || 'System message', system: true };

    case 'encrypted':
        return { text: '', label: 'Encrypted message' };

    default:
        return { text: text || asText(content.title),
                 label: type.replaceAll(/[_-]+/g, ' ') };
    }
}


/* in a line */

export function summary({ content, attachments = [], deleted }) {
    if (deleted) {
        return 'Message deleted';
    }

    const { text, label, card } = readContent(content);
    const names = attachments.map(attachmentName);

    return [text, label && `[${label}]`, card?.name, ...names]
        .filter(Boolean).join(' · ').replaceAll(/\s+/g, ' ') || '[message]';
}


export function attachmentName(attachment) {
    return asText(attachment.name) || asText(attachment.title)
           || hostOf(attachment.url) || asText(attachment.id) || 'Attachment';
}


/* an address that may be followed, or null: no script, no file */

export function safeUrl(url) {
    try {
        const parsed = new URL(url);

        return /^https?:$/.test(parsed.protocol) ? parsed.href : null;
    } catch {
        return null;
    }
}


export function hostOf(url) {
    return safeUrl(url) === null ? '' : new URL(url).host;
}


/* what an address is called that was given no name */

export function nameOfUrl(url) {
    const { host, pathname } = new URL(url);
    const last = pathname.split('/').filter(Boolean).at(-1);

    try {
        return decodeURIComponent(last ?? host);
    } catch {
        return last;
    }
}


export function isEmoji(text) {
    return EMOJI_ONLY.test(text);
}


/*
 * Fills an element with a text whose addresses can be followed, and whose
 * mentions stand out: each is {label, own}.
 */

export function setText(element, text, mentions = []) {
    let from = 0;

    element.replaceChildren();

    for (const match of text.matchAll(LINK)) {
        const address = match[0].replace(TRAILING, '');

        element.append(...markMentions(text.slice(from, match.index),
                                       mentions),
                       makeLink(address, address));
        from = match.index + address.length;
    }

    element.append(...markMentions(text.slice(from), mentions));
}


function markMentions(text, mentions) {
    const parts = [];
    let from = 0;

    while (from < text.length) {
        const next = nextMention(text, from, mentions);

        if (next === null) {
            break;
        }

        parts.push(text.slice(from, next.at),
                   make('span', { class: next.own ? 'mention self'
                                                  : 'mention' }, next.label));
        from = next.at + next.label.length;
    }

    return [...parts, text.slice(from)];
}


/* the first one, and of those that begin there the longest */

function nextMention(text, from, mentions) {
    let best = null;

    for (const { label, own } of mentions) {
        const at = text.indexOf(label, from);

        if (at !== -1 && (best === null || at < best.at
                          || at === best.at
                             && label.length > best.label.length))
        {
            best = { at, label, own };
        }
    }

    return best;
}


export function makeLink(address, text) {
    return make('a', { href: address, target: '_blank',
                       rel: 'noopener noreferrer nofollow' }, text);
}

/*
 * What the page shows of names, times and texts.  Nothing here makes HTML of
 * a text: elements get it as textContent.
 */

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
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });


export function timeOfDay(date) {
    return clock.format(date);
}


export function fullTime(date) {
    return full.format(date);
}


export function dayKey(date) {
    return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}


function capital(text) {
    return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}


/* "Today", "Yesterday", or the date */

export function dayName(date, now = new Date()) {
    const noon = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate(),
                                 12);
    const days = Math.round((noon(date) - noon(now)) / 86400000);

    if (days === 0 || days === -1) {
        return capital(relative.format(days, 'day'));
    }

    return date.getFullYear() === now.getFullYear() ? thisYear.format(date)
                                                    : otherYear.format(date);
}


/*
 * The sign-in makes a user's id of the name and of its hash:
 * "Ada-Lovelace-27703c6a7d8b".
 */

export function nameOf(userId) {
    const name = userId.replace(/-?[0-9a-f]{12}$/, '').replaceAll('-', ' ');

    return name || 'Guest';
}


/* messages of this page carry the name if the id of their sender does not */

export function senderName(message) {
    return message.content?.name ?? nameOf(message.senderId);
}


/* the first letters of the first and the last word */

export function initials(name) {
    const words = name.split(/[\s_.:@-]+/).filter((word) => word !== '');
    const first = (word) => Array.from(word ?? '')[0] ?? '';
    const last = words.length > 1 ? words[words.length - 1] : '';

    return (first(words[0]) + first(last)).toLocaleUpperCase() || '?';
}


/* the same colour for the same id, everywhere; FNV-1a */

export function hueOf(id) {
    let hash = 2166136261;

    for (const c of id) {
        hash = Math.imul(hash ^ c.codePointAt(0), 16777619);
    }

    return (hash >>> 0) % 360;
}


/* content is a string or an object with a type */

export function textOf(content) {
    if (typeof content === 'string') {
        return content;
    }

    if (typeof content?.text === 'string') {
        return content.text;
    }

    return `[${content?.type ?? 'message'}]`;
}


export function isEmoji(text) {
    return EMOJI_ONLY.test(text);
}


/* fills an element with a text whose addresses can be followed */

export function setText(element, text) {
    let from = 0;

    element.replaceChildren();

    for (const match of text.matchAll(LINK)) {
        const address = match[0].replace(TRAILING, '');

        element.append(text.slice(from, match.index), makeLink(address));
        from = match.index + address.length;
    }

    element.append(text.slice(from));
}


function makeLink(address) {
    const link = document.createElement('a');

    link.href = address;
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
    link.textContent = address;

    return link;
}


export function setAvatar(element, id, name) {
    element.textContent = initials(name);
    element.style.setProperty('--hue', hueOf(id));
}

/*
 * The menu that comes up beside a button, or from below on a narrow screen.
 */

import { $, icon, make, narrow } from './dom.js';

const GAP = 6;                  /* pixels to the button, and to the edge */


/*
 * items: [{icon, label, action, danger?}].  emojis: a row of them above,
 * chosen with onEmoji(emoji).  lines: texts between both.  at: {x, y}, instead
 * of beside the anchor.
 */

export function openMenu(anchor, { label, items = [], emojis = [], onEmoji,
                                   lines = [], at })
{
    const menu = $('menu');

    menu.setAttribute('aria-label', label);
    menu.replaceChildren();

    if (emojis.length > 0) {
        menu.append(make('div', { class: 'menu-emojis' },
                         ...emojis.map((emoji) => makeEmoji(emoji, onEmoji))));
    }

    lines.forEach((line) => menu.append(make('p', { class: 'menu-line' },
                                             line)));
    items.forEach((item) => menu.append(makeItem(item)));

    anchor.focus({ preventScroll: true });  /* where closing leads back to */
    menu.showPopover();
    place(menu, anchor, at);
    menu.querySelector('button')?.focus({ preventScroll: true });
}


function choose(action) {
    $('menu').hidePopover();
    action();
}


function makeEmoji(emoji, onEmoji) {
    const button = make('button', { type: 'button', role: 'menuitem',
                                    'aria-label': `React with ${emoji}` },
                        emoji);

    button.addEventListener('click', () => choose(() => onEmoji(emoji)));

    return button;
}


function makeItem({ icon: name, label, action, danger }) {
    const button = make('button', { type: 'button', role: 'menuitem',
                                    class: danger ? 'danger' : false },
                        icon(name), label);

    button.addEventListener('click', () => choose(action));

    return button;
}


function place(menu, anchor, at) {
    const box = (anchor.querySelector('.bubble') ?? anchor)
        .getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const set = (name, value) => menu.style.setProperty(name, `${value}px`);

    menu.classList.toggle('sheet', narrow.matches);

    if (narrow.matches) {
        menu.style.removeProperty('left');
        menu.style.removeProperty('top');
        return;
    }

    const left = at?.x ?? box.right - width;
    const below = at?.y ?? box.bottom + GAP;
    const above = (at?.y ?? box.top) - GAP - height;
    const top = below + height + GAP > innerHeight && above > GAP ? above
                                                                  : below;

    set('left', Math.max(GAP, Math.min(left, innerWidth - width - GAP)));
    set('top', Math.max(GAP, Math.min(top, innerHeight - height - GAP)));
}


/* arrows go through it, as through any menu */

function onKey(e) {
    const buttons = Array.from($('menu').querySelectorAll('button'));
    const at = buttons.indexOf(document.activeElement);
    const count = buttons.length;
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

    if (e.key in steps) {
        buttons[(at + steps[e.key] + count) % count]?.focus();
    } else if (e.key === 'Home') {
        buttons[0]?.focus();
    } else if (e.key === 'End') {
        buttons[count - 1]?.focus();
    } else if (e.key === 'Tab') {
        $('menu').hidePopover();
    } else {
        return;
    }

    e.preventDefault();
}


$('menu').addEventListener('keydown', onKey);

/*
 * Short words for what every file of the page does with its elements.
 */

export const narrow = matchMedia('(max-width: 47.99rem)');
export const touch = matchMedia('(pointer: coarse)');


export function $(id) {
    return document.getElementById(id);
}


/* a new copy of what is in a template */

export function clone(id) {
    return $(id).content.firstElementChild.cloneNode(true);
}


/* an element with attributes and content, which is text or elements */

export function make(name, attributes = {}, ...content) {
    const element = document.createElement(name);

    for (const [key, value] of Object.entries(attributes)) {
        if (value !== false && value !== null && value !== undefined) {
            element.setAttribute(key, value === true ? '' : value);
        }
    }

    element.append(...content);

    return element;
}


/* one of the page's own icons */

export function icon(name) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');

    use.setAttribute('href', `#i-${name}`);
    svg.setAttribute('aria-hidden', 'true');
    svg.append(use);

    return svg;
}


/*
 * Puts nodes into a list in their order and takes others out.  What is in its
 * place is not touched: focus, selection and what was read out stay.
 */

export function arrange(list, nodes) {
    const wanted = new Set(nodes);
    const focused = list.contains(document.activeElement)
                    ? document.activeElement : null;

    for (const node of Array.from(list.children)) {
        if (!wanted.has(node)) {
            node.remove();
        }
    }

    let next = list.firstChild;

    for (const node of nodes) {
        if (node === next) {
            next = node.nextSibling;
        } else {
            list.insertBefore(node, next);
        }
    }

    /* what is moved loses the focus */
    if (focused !== document.activeElement && focused?.isConnected) {
        focused.focus({ preventScroll: true });
    }
}


/* storage may be forbidden; then nothing is kept */

export function recall(storage, key) {
    try {
        return JSON.parse(storage.getItem(`ngx_chat.${key}`));
    } catch {
        return null;
    }
}


export function keep(storage, key, value) {
    try {
        storage.setItem(`ngx_chat.${key}`, JSON.stringify(value));
    } catch {
        /* not kept, then */
    }
}


let toastTimer = 0;

/* a short word at the edge of the page; it is read out, too */

export function toast(text) {
    clearTimeout(toastTimer);
    $('toast').textContent = text;
    $('toast').classList.add('shown');
    toastTimer = setTimeout(() => $('toast').classList.remove('shown'),
                            2500 + 40 * text.length);
}

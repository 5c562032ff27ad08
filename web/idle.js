/*
 * Whether somebody is there: by what is done with the keys, the pointer and
 * the page.
 */

const EVENTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart',
                'focus'];

let acted = Date.now();
let onBack = () => { /* nobody listens */ };
let rest = Infinity;


/* in ms, since something was done last */

export function idleTime() {
    return Date.now() - acted;
}


/* a handler for the first thing that is done after so many ms of nothing */

export function whenBack(ms, handler) {
    rest = ms;
    onBack = handler;
}


function onAct() {
    const idle = idleTime();

    acted = Date.now();

    if (idle > rest) {
        onBack();
    }
}


EVENTS.forEach((type) => addEventListener(type, onAct,
                                          { capture: true, passive: true }));

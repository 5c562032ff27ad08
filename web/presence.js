/*
 * How it looks that somebody is there.  A state is what client.presence knows
 * of a user, undefined while that is nothing.
 */

import { lastSeenText } from './text.js';

export const WORDS = { online: 'Online', away: 'Away', busy: 'Busy',
                       invisible: 'Invisible', offline: 'Offline' };


/* "Busy · In a meeting", "Last seen 5 minutes ago"; '' if nothing is known */

export function describe(state) {
    if (state === undefined) {
        return '';
    }

    if (state.status === 'offline' && state.lastSeen) {
        return lastSeenText(new Date(state.lastSeen));
    }

    return [WORDS[state.status], state.text].filter(Boolean).join(' · ');
}


/* a dot, of which the shape tells as much as the colour */

export function setPresence(element, status = 'offline') {
    element.dataset.presence = status;
}

/*
 * Who may do what, so that only that is offered.  The server decides: this
 * repeats the table of its documentation, and may be behind the truth.
 *
 * Room and member are anything with a role; no role (null) is a reader of a
 * channel.
 */

const RANKS = { owner: 4, admin: 3, moderator: 2, member: 1, blocked: -1 };

export const ROLES = ['owner', 'admin', 'moderator', 'member'];


export function rankOf(role) {
    return RANKS[role] ?? 0;
}


/* write, and edit what one has written */

export function mayWrite(room) {
    return !room.readOnly || isModerator(room);
}


export function isModerator(room) {
    return rankOf(room.role) >= RANKS.moderator;
}


export function mayDelete(room, message) {
    return message.mine || room.type !== 'dm' && isModerator(room);
}


export function mayConfigure(room) {
    return room.type !== 'dm' && rankOf(room.role) >= RANKS.admin;
}


export function mayDestroy(room) {
    return room.type !== 'dm' && room.role === 'owner';
}


export function mayLeave(room) {
    return room.type !== 'dm' && room.role !== null;
}


export function mayInvite(room) {
    return room.type !== 'dm' && isModerator(room);
}


/* ranks below the own one; an owner may do everything to everyone */

function reaches(room, role) {
    return room.role === 'owner' || rankOf(role) < rankOf(room.role);
}


/* the roles that may be given to somebody now */

export function rolesFor(room, { role, self }) {
    if (room.type === 'dm' || role === 'blocked') {
        return [];
    }

    if (self) {
        return ROLES.filter((other) => rankOf(other) < rankOf(role));
    }

    return mayInvite(room) && reaches(room, role)
        ? ROLES.filter((other) => other !== role && reaches(room, other)) : [];
}


export function mayBlock(room, { role, self }) {
    if (self || role === 'blocked') {
        return false;
    }

    return room.type === 'dm' || mayInvite(room) && reaches(room, role);
}


export function mayUnblock(room, { role }) {
    return role === 'blocked' && (room.type === 'dm' || mayInvite(room));
}


export function mayRemove(room, { role, self }) {
    return !self && role !== 'blocked' && mayInvite(room)
           && reaches(room, role);
}

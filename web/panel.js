/*
 * The panel beside a conversation: what it is, who is in it, and what the user
 * may do about both.
 */

import { confirm, explain, setUp, show } from './dialogs.js';
import { $, arrange, clone, make, toast } from './dom.js';
import { openMenu } from './menu.js';
import { nameOf, setAvatar, setRoomAvatar } from './people.js';
import { Picker } from './picker.js';
import { describe, setPresence } from './presence.js';
import { mayBlock, mayConfigure, mayInvite, mayLeave, mayRemove, mayUnblock,
         rolesFor } from './rights.js';
import { Settings } from './settings.js';
import { duration } from './text.js';

const LOBBY = 'lobby';          /* one is there whenever one looks */
const KINDS = { dm: 'Direct conversation', group: 'Group',
                channel: 'Channel' };


export class Panel {

    #presence;
    #room = null;
    #nodes = new Map();         /* by user id */
    #people = new Picker('invite-people', { label: 'People' });
    #settings = new Settings();
    #listener = () => this.draw();

    constructor(presence) {
        this.#presence = presence;

        const on = (id, handler) => $(id).addEventListener('click', handler);

        on('panel-open', () => this.toggle($('panel').hidden));
        on('panel-close', () => this.toggle(false));
        on('invite-open', () => this.#openInvite());
        on('leave', () => this.#leave());
        on('block', () => this.#blockPeer());
        on('settings-open', () => this.#settings.open(this.#room));
        setUp('invite', () => this.#invite());

        $('panel').addEventListener('keydown', (e) => {
            if (e.key === 'Escape') {
                this.toggle(false);
            }
        });
    }


    show(room) {
        this.#room?.removeEventListener('change', this.#listener);
        this.#room = room;
        this.#nodes.clear();
        room.addEventListener('change', this.#listener);
        this.draw();
    }


    toggle(open) {
        const focused = $('panel').contains(document.activeElement);

        $('panel').hidden = !open;
        $('app').classList.toggle('with-panel', open);
        $('panel-open').setAttribute('aria-expanded', open);

        if (open) {
            this.draw();
            this.#room.loadMembers();
            $('panel-title').focus();

        } else if (focused) {
            $('panel-open').focus();
        }
    }


    /* -- drawing --------------------------------------------------------- */

    draw() {
        const room = this.#room;
        const broken = room.failure !== null || room.ended !== null;

        $('panel-open').hidden = broken;

        if (broken && !$('panel').hidden) {
            this.toggle(false);
        }

        if ($('panel').hidden || broken) {
            return;
        }

        this.#drawAbout(room);
        this.#drawMembers(room);

        $('settings-open').hidden = !mayConfigure(room);
        $('invite-open').hidden = !mayInvite(room);
        $('leave').hidden = !mayLeave(room) || room.id === LOBBY;
        this.#drawBlock(room);
    }


    #drawAbout(room) {
        const { type, title, description, readOnly, slowMode } = room;
        const rules = [
            readOnly && 'Only moderators can write',
            slowMode > 0 && `One message every ${duration(slowMode)}`
        ];

        setRoomAvatar($('about-avatar'), room);
        $('about-name').textContent = title;
        $('about-kind').textContent = KINDS[type] ?? '';
        $('about-text').textContent = description;
        $('about-text').hidden = description === '';
        $('about-rules').replaceChildren(...rules.filter(Boolean).map(
            (rule) => make('li', {}, rule)));
    }


    #drawMembers({ members, crowd: { online } }) {
        const { list, blocked, partial, total } = members;

        $('members-title').textContent
            = (total === 1 ? '1 member' : `${total} members`)
              + (online === null ? '' : `, ${online} online`);
        $('members-more').hidden = !partial;
        $('blocked-section').hidden = blocked.length === 0;
        arrange($('members'), list.map((member) => this.#nodeOf(member)));
        arrange($('blocked'), blocked.map((member) => this.#nodeOf(member)));
    }


    #nodeOf(member) {
        const { userId, role, self } = member;
        let node = this.#nodes.get(userId);

        if (node === undefined) {
            node = clone('t-person');
            node.querySelector('.person-more').addEventListener('click',
                () => this.#openMenu(userId));
            this.#nodes.set(userId, node);
        }

        const part = (selector) => node.querySelector(selector);
        const named = role !== 'member' && role !== 'blocked';

        setAvatar(part('.avatar'), userId, nameOf(userId));
        part('.person-name').textContent = nameOf(userId);
        part('.person-note').textContent = this.#noteOf(member);
        setPresence(part('.avatar'), self ? this.#presence.own?.status
                                          : this.#presence.stateOf(userId)
                                                ?.status);
        part('.role').hidden = !named;
        part('.role').textContent = named ? role : '';
        part('.role').className = `role ${role}`;
        part('.person-more').hidden = this.#itemsFor(member).length === 0;
        part('.person-more').setAttribute('aria-label',
                                          `Actions for ${nameOf(userId)}`);
        node.dataset.id = userId;

        return node;
    }


    #noteOf({ userId, self }) {
        const { own } = this.#presence;

        return self ? ['You', own?.text].filter(Boolean).join(' · ')
                    : describe(this.#presence.stateOf(userId));
    }


    #drawBlock(room) {
        const peer = { role: room.members.get(room.peer)?.role, self: false };
        const known = room.type === 'dm' && room.members.loaded
                      && room.peer !== null;

        $('block').hidden = !known;
        $('block').lastElementChild.textContent
            = (peer.role ?? 'blocked') === 'blocked' ? 'Unblock' : 'Block';
    }


    /* -- what may be done with a member ---------------------------------- */

    #openMenu(userId) {
        const member = this.#room.members.get(userId);
        const node = this.#nodes.get(userId);

        if (member !== undefined) {
            openMenu(node.querySelector('.person-more'), {
                label: nameOf(userId), lines: [nameOf(userId)],
                items: this.#itemsFor(member)
            });
        }
    }


    #itemsFor(member) {
        const room = this.#room;
        const { userId } = member;
        const { conversation } = room;
        const set = (role) => this.#do(
            () => conversation.updateMember(userId, role));
        const items = rolesFor(room, member).map((role) => ({
            icon: 'person', label: roleText(role, member),
            action: () => this.#setRole(member, role, set)
        }));

        if (mayBlock(room, member) && room.type !== 'dm') {
            items.push({ icon: 'block', label: 'Block', danger: true,
                         action: () => set('blocked') });
        }

        if (mayUnblock(room, member)) {
            items.push({ icon: 'person', label: 'Unblock',
                         action: () => this.#do(
                             () => conversation.removeMember(userId)) },
                       { icon: 'people', label: 'Unblock and add again',
                         action: () => set('member') });
        }

        if (mayRemove(room, member)) {
            items.push({ icon: 'leave', label: 'Remove', danger: true,
                         action: () => this.#do(
                             () => conversation.removeMember(userId)) });
        }

        return items;
    }


    /* one's own role cannot be taken back */
    async #setRole(member, role, set) {
        const sure = !member.self || await confirm({
            title: `Become ${role}?`,
            text: 'You cannot give the present role back to yourself.',
            action: 'Do it'
        });

        if (sure) {
            await set(role);
        }
    }


    /* false: it was not done, and the user knows */
    async #do(change) {
        try {
            await change();
        } catch (error) {
            toast(explain(error));
            return false;
        }

        return true;
    }


    /* -- adding, leaving, blocking --------------------------------------- */

    #openInvite() {
        const roles = rolesFor(this.#room, { role: null, self: false });

        $('invite-form').reset();
        this.#people.reset(this.#room.members.ids);
        $('invite-role').replaceChildren(...roles.toReversed().map(
            (role) => make('option', { value: role }, capital(role))));
        show('invite');
    }


    async #invite() {
        const { conversation } = this.#room;
        const people = await this.#people.take();
        const role = $('invite-role').value;

        if (people.length === 0) {
            throw new Error('Please choose somebody.');
        }

        for (const userId of people) {
            await conversation.addMember(userId, role);
        }

        toast(people.length === 1 ? `${nameOf(people[0])} was added`
                                  : `${people.length} people were added`);
    }


    async #leave() {
        const room = this.#room;
        const { conversation, title, members } = room;
        const self = members.list.find((member) => member.self);
        const sure = await confirm({
            title: `Leave “${title}”?`,
            text: room.type === 'group'
                ? 'Somebody has to add you before you can come back.'
                : 'You can come back by its link.',
            action: 'Leave'
        });

        if (sure && self !== undefined) {
            room.leaving = true;    /* the event may come before the reply */
            room.leaving = await this.#do(
                () => conversation.removeMember(self.userId));
        }
    }


    #blockPeer() {
        const { conversation, peer, members } = this.#room;
        const blocked = (members.get(peer)?.role ?? 'blocked') === 'blocked';

        this.#do(() => conversation.updateMember(peer, blocked ? 'member'
                                                               : 'blocked'));
    }
}


function capital(text) {
    return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}


function roleText(role, { self }) {
    return self ? `Become ${role}` : `Make ${role}`;
}

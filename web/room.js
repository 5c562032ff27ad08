/*
 * What the page knows of one conversation: its settings, the role of the
 * user, its members, its messages (history.js), what the user writes
 * (writing.js) and has read (reading.js), what has come to whom (receipts.js),
 * and who is there (crowd.js).
 * Events:
 *
 *     change    {bulk}: many messages at once, not to be announced
 *     typing    who types is not the same any more
 *     presence  who is there, likewise
 *     mention   {senderId}: who has named the user in a message
 *     joined    the user is a member, which no event has told
 *     notice    {text}: something that the user should know
 */

import { Crowd } from './crowd.js';
import { History } from './history.js';
import { Members } from './members.js';
import { isSelf, meet, nameOf, whoOf } from './people.js';
import { Reading } from './reading.js';
import { Receipts } from './receipts.js';
import { summary } from './text.js';
import { Writing } from './writing.js';


export class Room extends EventTarget {

    #client;
    #me;
    #opened = false;
    #receipts = new Receipts(this);

    constructor(client, id, me) {
        super();
        this.id = id;
        this.conversation = null;   /* what is not joined has none */
        this.listed = false;        /* was among the user's conversations */
        this.type = null;
        this.name = null;
        this.description = '';
        this.readOnly = false;
        this.slowMode = 0;          /* seconds */
        this.role = null;
        this.peer = null;           /* the other one of a dm */
        this.created = 0;
        this.sequenceNumber = 0;
        this.members = new Members();
        this.failure = null;        /* why it cannot be opened */
        this.ended = null;          /* why it cannot be seen any more */
        this.leaving = false;       /* the user wants that */
        this.#client = client;
        this.#me = me;

        this.history = new History({
            conversation: () => this.conversation,
            onChange: (bulk) => this.#changed(bulk),
            onMessage: (data) => this.#onMessage(data),
            onFailed: (error) => this.#onFailed(error)
        });

        this.crowd = new Crowd(this, client.presence);
        this.reading = new Reading(this);
        this.writing = new Writing(this, client, me, {
            onChange: () => this.#changed(),
            onSent: () => this.#onMember()
        });
    }


    get title() {
        return this.peer !== null ? nameOf(this.peer)
                                  : this.name ?? 'Conversation';
    }


    /* all messages, as they are shown */
    get messages() {
        return [...this.history.list, ...this.writing.pending];
    }


    get last() {
        return this.writing.pending.at(-1) ?? this.history.last;
    }


    /* when something last happened */
    get activity() {
        return Math.max(this.created, this.last?.date ?? 0);
    }


    /* a line for the list of conversations */
    preview() {
        const last = this.last;

        if (last === null || last.deleted || this.type === 'dm' && !last.mine) {
            return last === null ? '' : summary(last);
        }

        return `${whoOf(last.senderId)}: ${summary(last)}`;
    }


    /* -- life ------------------------------------------------------------ */

    /* listens to it, from now on and through all reconnects */
    attach() {
        if (this.conversation !== null || this.ended !== null) {
            return;
        }

        this.conversation = this.#client.conversation(this.id);

        const on = (type, handler) => {
            this.conversation.addEventListener(type,
                                               (e) => handler(e.detail));
        };

        on('event', (frame) => this.#onEvent(frame));
        on('signal', (frame) => this.#onSignal(frame));
        on('reset', () => this.#onReset());
        on('live', (detail) => this.#onLive(detail));
        on('held', (error) => this.writing.hold(error));
        on('marked', () => this.#onMember());
        on('failed', (error) => this.#onFailed(error));
        on('ended', (end) => this.lose(end));

        this.crowd.attach(this.conversation, {
            onTyping: () => this.#emit('typing'),
            onPresence: () => this.#emit('presence')
        });
    }


    detach() {
        this.conversation = null;
        this.history.drop();
        this.#client.leave(this.id);
    }


    /* it is looked at: now its messages are needed */
    open() {
        this.#opened = true;
        this.attach();
        this.crowd.watch();

        if (this.conversation?.live && !this.history.loaded) {
            this.history.load();
            this.loadMembers();
        }
    }


    /* it could not be opened, and now it can */
    reopen() {
        if (this.failure !== null) {
            this.detach();
            this.failure = null;
            this.open();
        }
    }


    /* another one is looked at */
    close() {
        this.crowd.unwatch();
    }


    /* an item of the list of conversations, which may be older than events */
    merge({ conversation, role, lastReadSequence, lastMessage }) {
        const live = this.conversation?.live;

        this.listed = true;
        this.reading.upTo(lastReadSequence);

        if (!live || conversation.revision >= this.conversation.revision) {
            this.#configure(conversation);
            this.role = role;
            this.sequenceNumber = conversation.sequenceNumber;

            if (lastMessage) {
                this.history.note(lastMessage);
            }
        }

        this.#changed();
    }


    /* -- hints, while it is not joined ----------------------------------- */

    /* true: that is news */
    noteUnread(sequenceNumber, unread) {
        const isNew = sequenceNumber > this.sequenceNumber;

        this.sequenceNumber = Math.max(this.sequenceNumber, sequenceNumber);
        this.reading.upTo(sequenceNumber - unread);
        this.#changed();

        return isNew;
    }


    noteMention(sequenceNumber, senderId) {
        if (this.reading.mention(sequenceNumber)) {
            meet(senderId);
            this.#emit('mention', { senderId });
            this.#changed();
        }
    }


    setRole(role) {
        this.#onMembership({ userId: this.#me.userId, role });
        this.#changed();
    }


    /* it is none of the user's any more */
    lose(end) {
        this.conversation = null;
        this.ended = end;
        this.#emit('typing');
        this.#changed(true);
    }


    /* -- what the user does ---------------------------------------------- */

    /* everything up to there was seen */
    see(sequenceNumber) {
        if (this.reading.see(sequenceNumber)) {
            this.#changed();
        }
    }


    async loadMembers() {
        try {
            await this.members.load(this.conversation);
        } catch {
            return;         /* what is known already, then */
        }

        this.#changed(true);
    }


    /* -- what happens ---------------------------------------------------- */

    #emit(type, detail = {}) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }


    #changed(bulk = false) {
        this.#emit('change', { bulk });
    }


    #onLive({ fresh, role, sequenceNumber, lastReadSequence }) {
        const { history } = this;

        this.failure = null;
        this.role = role;
        this.sequenceNumber = sequenceNumber;
        this.reading.live();
        this.reading.upTo(lastReadSequence ?? 0);
        this.#receipts.acknowledge();

        if (this.#opened) {
            this.loadMembers();

            if (!history.loading && (fresh || !history.loaded)) {
                history.load();
            }

        } else if (sequenceNumber > (history.last?.sequenceNumber ?? 0)) {
            history.loadLast();
        }

        /* opened by a link: what it is stands in the list */
        if (!this.listed && role !== null) {
            this.#emit('joined');
        }

        this.#changed();
    }


    #onReset() {
        this.history.clear();
        this.reading.reset();
        this.members = new Members();
        this.#emit('notice', {
            text: `The server has lost a part of “${this.title}”`
        });
        this.#changed(true);
    }


    #onFailed(error) {
        this.failure = error;
        this.#changed(true);
    }


    /* sending and marking make a reader of a channel its member */
    #onMember() {
        if (this.role === null) {
            this.role = 'member';
            this.members.setRole(this.#me.userId, 'member');
            this.#emit('joined');
            this.#changed();
        }
    }


    #onEvent(frame) {
        const { type, data } = frame;

        this.sequenceNumber = this.conversation.sequenceNumber;

        if (type.startsWith('message.') || type.startsWith('reaction.')) {
            this.history.apply(frame);

        } else if (type.startsWith('member.')) {
            this.#onMembership(data);

        } else if (type !== 'conversation.deleted') {
            this.#configure(data);
        }

        if (type === 'message.created') {
            this.#onCreated(data);
        }

        this.#changed();
    }


    /* somebody of a channel became a member by it, perhaps */
    #onCreated({ senderId, sequenceNumber, mentions = [] }) {
        if (mentions.some(isSelf) && !isSelf(senderId)) {
            this.noteMention(sequenceNumber, senderId);
        }

        if (this.type === 'channel') {
            this.members.setRead(senderId, sequenceNumber);
        }

        this.#receipts.acknowledge();
    }


    /* a message in whatever state, from wherever: sending is reading */
    #onMessage(data) {
        const { senderId, sequenceNumber } = data;

        if (senderId === undefined) {
            return;
        }

        if (isSelf(senderId)) {
            this.writing.settle(data);
            this.reading.upTo(sequenceNumber);
        }

        if (this.members.get(senderId) !== undefined) {
            this.members.setRead(senderId, sequenceNumber);
        }
    }


    #onSignal(frame) {
        this.#receipts.signal(frame);
        this.#changed();
    }


    #onMembership({ userId, role }) {
        this.members.setRole(userId, role);

        if (!isSelf(userId) || role === null || role === 'blocked') {
            return;
        }

        if (this.role !== null && this.role !== role) {
            this.#emit('notice', { text: `You are now ${role} of `
                                         + `“${this.title}”.` });
        }

        this.role = role;
    }


    /* settings, as an event or the list tells them: all or some */
    #configure(data) {
        this.type = data.type ?? this.type;
        this.name = data.name ?? this.name;
        this.readOnly = data.readOnly ?? this.readOnly;

        if (data.description !== undefined) {
            this.description = data.description ?? '';
        }

        if (data.slowMode !== undefined && data.slowMode !== this.slowMode) {
            this.slowMode = data.slowMode;
            this.writing.release();
        }

        if (data.createdAt !== undefined) {
            this.created = Date.parse(data.createdAt);
        }

        if (this.type === 'dm' && Array.isArray(data.members)) {
            this.peer = data.members.find((userId) => !isSelf(userId))
                        ?? this.#me.userId;
        }
    }
}

/*
 * What the page knows of one conversation: its settings, the role of the
 * user, what is unread, its members, and its messages: those that the server
 * has, in their order, and after them those that it does not have yet.
 * Events:
 *
 *     change    {bulk}: many messages at once, not to be announced
 *     typing    who types is not the same any more
 *     presence  who is there, likewise
 *     mention   {senderId}: who has named the user in a message
 *     joined    the user is a member, which no event has told
 *     notice    {text}: something that the user should know
 */

import { uuidv7 } from './chat-id.js';
import { History } from './history.js';
import { Members } from './members.js';
import { isReadable, isSelf, meet, nameOf, whoOf } from './people.js';
import { isModerator } from './rights.js';
import { summary } from './text.js';

const MAX_RECEIPTS = 100;       /* members; with more nobody is told */


export class Room extends EventTarget {

    #client;
    #me;
    #pending = [];
    #opened = false;
    #watched = false;           /* it is the one that is open */
    #crowd = null;              /* what is told of who is there */
    #mention = 0;               /* the last message that names the user */
    #entering = false;          /* becoming a member was asked for */
    #heldUntil = 0;             /* by the server's clock: it has said so */
    #lastOwn = 0;               /* when the user has last sent */

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
        this.lastRead = 0;
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
    }


    get title() {
        return this.peer !== null ? nameOf(this.peer)
                                  : this.name ?? 'Conversation';
    }


    /* own messages count as read; who only reads a channel has no mark */
    get unread() {
        return this.role === null
            ? 0 : Math.max(0, this.sequenceNumber - this.lastRead);
    }


    /* somebody has named the user, who has not seen that yet */
    get mentioned() {
        return this.#mention > this.lastRead;
    }


    /* ids of those who type */
    get typists() {
        return this.conversation?.typists.map(({ userId }) => userId) ?? [];
    }


    /* how many are there; null: that is not known */
    get online() {
        const { members } = this;

        if (this.#crowd === null || this.#crowd.members === null
            || !members.loaded)
        {
            return this.#crowd?.online ?? null;
        }

        return members.list.filter(({ userId, self }) =>
            self ? this.#client.presence.open : this.#isThere(userId)).length;
    }


    /* all messages, as they are shown */
    get messages() {
        return [...this.history.list, ...this.#pending];
    }


    get last() {
        return this.#pending.at(-1) ?? this.history.last;
    }


    /* when something last happened */
    get activity() {
        return Math.max(this.created, this.last?.date ?? 0);
    }


    /* how long slow mode keeps the user waiting, in ms */
    get wait() {
        const slow = this.slowMode > 0 && !isModerator(this)
            ? this.#lastOwn + this.slowMode * 1000 : 0;

        return Math.max(this.#heldUntil, slow) - this.#client.now();
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
        on('typing', ({ users }) => this.#onTyping(users));
        on('presence', (told) => this.#onPresence(told));
        on('reset', () => this.#onReset());
        on('live', (detail) => this.#onLive(detail));
        on('held', (error) => this.#onHeld(error));
        on('marked', () => this.#onMember());
        on('failed', (error) => this.#onFailed(error));
        on('ended', (end) => this.lose(end));

        if (this.#watched) {
            this.conversation.watchPresence();
        }
    }


    detach() {
        this.conversation = null;
        this.#client.leave(this.id);
    }


    /* it is looked at: now its messages are needed */
    open() {
        this.#opened = true;
        this.#watched = true;
        this.attach();
        this.conversation?.watchPresence();

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
        this.#watched = false;
        this.#crowd = null;
        this.conversation?.unwatchPresence();
    }


    /* an item of the list of conversations, which may be older than events */
    merge({ conversation, role, lastReadSequence, lastMessage }) {
        const live = this.conversation?.live;

        this.listed = true;
        this.lastRead = Math.max(this.lastRead, lastReadSequence);

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
        this.lastRead = Math.max(this.lastRead, sequenceNumber - unread);
        this.#changed();

        return isNew;
    }


    noteMention(sequenceNumber, senderId) {
        if (sequenceNumber > Math.max(this.#mention, this.lastRead)) {
            this.#mention = sequenceNumber;
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


    /* -- reading --------------------------------------------------------- */

    /*
     * The user has seen everything up to there.  Who opens a channel becomes
     * its member by that, even if there is nothing to read.
     */
    see(sequenceNumber) {
        if (!this.conversation?.live) {
            return;
        }

        if (sequenceNumber > this.lastRead) {
            this.lastRead = sequenceNumber;
            this.conversation.markRead(sequenceNumber);
            this.#changed();

        } else if (this.role === null && !this.#entering) {
            this.#entering = true;
            this.conversation.markRead(this.lastRead);
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


    /* -- writing --------------------------------------------------------- */

    /* more: replyTo, mentions, attachments */
    send(text, more = {}) {
        const message = {
            clientMessageId: uuidv7(this.#client.now()),
            senderId: this.#me.userId,
            content: this.#content(text),
            mentions: [],
            attachments: [],
            reactions: new Map(),
            ...more,
            more,
            date: new Date(),
            mine: true,
            deleted: false,
            state: 'sending',
            version: 0
        };

        this.#pending.push(message);
        this.#deliver(message);
    }


    /* what failed, under the id that it had */
    retry(message) {
        if (message.state === 'failed') {
            message.state = 'sending';
            message.version++;
            this.#deliver(message);
        }
    }


    /* what failed is given up */
    discard(message) {
        this.#pending = this.#pending.filter((other) => other !== message);
        this.#changed();
    }


    /* the user is writing something here, or not any more */
    typing() {
        this.conversation?.typing();
    }


    stopTyping() {
        this.conversation?.stopTyping();
    }


    async edit(message, text) {
        const content = this.#content(text);

        message.saving = true;
        message.version++;
        this.#changed();

        try {
            const { revision } = await this.conversation.edit(message.id,
                                                              content);

            if (!message.deleted) {
                this.history.put({ ...message, reactions: undefined, content,
                                   editedAt: new Date().toISOString(),
                                   revision });
            }

        } finally {
            message.saving = false;
            message.version++;
            this.#changed();
        }
    }


    /* the user's own reaction, on or off */
    async react(message, emoji) {
        const own = message.reactions.get(emoji)?.has(this.#me.userId);

        if (own) {
            await this.conversation.removeReaction(message.id, emoji);
        } else {
            await this.conversation.addReaction(message.id, emoji);
        }
    }


    /* a text, and the name where the id of its sender does not tell it */
    #content(text) {
        const content = { type: 'text', text };

        if (!isReadable(this.#me.userId, this.#me.name)) {
            content.name = this.#me.name;
        }

        return content;
    }


    async #deliver(message) {
        const { clientMessageId, content, senderId, more } = message;

        this.#changed();

        try {
            const ack = await this.conversation.send(
                content, { clientMessageId, ...more });

            this.history.put({ ...ack, ...more, content, senderId });
            this.#onMember();

        } catch (error) {
            message.state = 'failed';
            message.version++;
            message.error = error;
            this.#onHeld(error);
        }

        this.#changed();
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
        this.#entering = false;
        this.sequenceNumber = sequenceNumber;
        this.lastRead = Math.max(this.lastRead, lastReadSequence ?? 0);
        this.#acknowledge();

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
        this.lastRead = 0;
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


    #isThere(userId) {
        const { status } = this.#client.presence.stateOf(userId) ?? {};

        return status !== undefined && status !== 'offline';
    }


    #onTyping(users) {
        users.forEach(({ userId, displayName }) => meet(userId, displayName));
        this.#emit('typing');
    }


    #onPresence(told) {
        this.#crowd = told;
        this.#emit('presence');
    }


    /* slow mode; what else is limited passes by itself */
    #onHeld({ code, retryAfter }) {
        if (code === 'rate_limited' && this.slowMode > 0) {
            this.#heldUntil = this.#client.now() + (retryAfter ?? 1) * 1000;
            this.#changed();
        }
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

        this.#acknowledge();
    }


    /* a message in whatever state, from wherever: sending is reading */
    #onMessage({ senderId, clientMessageId, sequenceNumber, timestamp }) {
        if (senderId === undefined) {
            return;
        }

        if (isSelf(senderId)) {
            this.#pending = this.#pending.filter(
                (m) => m.clientMessageId !== clientMessageId);
            this.#lastOwn = Math.max(this.#lastOwn, Date.parse(timestamp));
            this.lastRead = Math.max(this.lastRead, sequenceNumber);
        }

        if (this.members.get(senderId) !== undefined) {
            this.members.setRead(senderId, sequenceNumber);
        }
    }


    /* who marks in a channel is a member, else it is one who was removed */
    #mayKnow(userId) {
        return this.type === 'channel'
               || this.members.get(userId) !== undefined;
    }


    #onSignal({ type, data }) {
        const { userId, sequenceNumber } = data;

        if (type === 'receipt.read') {
            if (this.#mayKnow(userId)) {
                this.members.setRead(userId, sequenceNumber);
            }

            /* another device of the user */
            if (isSelf(userId)) {
                this.lastRead = Math.max(this.lastRead, sequenceNumber);
            }

        } else if (type === 'receipt.delivered' && this.#mayKnow(userId)) {
            this.members.setDelivered(userId, sequenceNumber);
        }

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


    /* senders of small conversations like to know that it arrived */
    #acknowledge() {
        if (this.type === 'dm'
            || this.type === 'group' && this.members.total <= MAX_RECEIPTS)
        {
            this.conversation.markDelivered(this.sequenceNumber);
        }
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
            this.#heldUntil = 0;
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

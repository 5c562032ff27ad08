/*
 * One conversation: joined whenever there is a connection, and gone on with
 * where it was.  Made by ChatClient.conversation().  Events:
 *
 *     event     {type, data}: a durable event, in the order of revisions, none
 *               missing and none twice.  One that is about a message may be
 *               about one never heard of: of an old range only the latest
 *               state of each message is told, so that message.updated may
 *               come in place of message.created, and message.deleted alone.
 *     signal    {type, data}: an event without a revision, as a receipt
 *     typing    {users}: who types now, [{userId, displayName}]
 *     presence  {size?, online, members}: how many are there, while that is
 *               watched.  If members is null, this is all that is told, again
 *               from time to time; else client.presence tells of each of them.
 *     live      {fresh, role, sequenceNumber, lastReadSequence}: joined, all
 *               that was missed has been told.  fresh: nothing was told of
 *               what was before, history() has it.
 *     reset     what is held of it is partly lost: drop it all.  A "live" that
 *               is fresh follows.
 *     held      a ChatError: what is sent waits, error.retryAfter seconds
 *     marked    a mark was stored
 *     failed    a ChatError: it cannot be joined
 *     ended     {reason, role?}: nothing comes any more.  "deleted", "left"
 *               (the user is no member any more; role is "blocked" or null),
 *               or "gone": one of both, while there was no connection
 */

import { Feed } from './chat-feed.js';
import { Mark } from './chat-mark.js';
import { Outbox } from './chat-outbox.js';
import { ChatError } from './chat-retry.js';
import { Roster } from './chat-roster.js';
import { Typing, Typists } from './chat-typing.js';


export class Conversation extends EventTarget {

    #client;
    #feed;
    #outbox;
    #read;
    #delivered;
    #roster;
    #typing;
    #typists;
    #changes = Promise.resolve();   /* the last change under way */

    constructor(client, id) {
        super();
        this.#client = client;
        this.id = id;
        this.#feed = new Feed(client, id, {
            event: (frame) => this.#onEvent(frame),
            reset: () => this.#onReset(),
            live: (detail) => this.#onLive(detail),
            failed: (error) => this.#emit('failed', error),
            end: (end) => this.#onEnd(end)
        });
        this.#outbox = new Outbox(client, (error) => this.#emit('held', error));
        const onStored = () => this.#emit('marked');

        this.#read = new Mark(client, 'read.mark', id, { onStored });
        this.#delivered = new Mark(client, 'delivered.mark', id, {
            onStored, may: () => client.presence.open
        });
        this.#roster = new Roster(client, id,
                                  (told) => this.#emit('presence', told));
        this.#typing = new Typing(client, id);
        this.#typists = new Typists(client, () => this.#emit('typing', {
            users: this.#typists.list
        }));
    }


    get live() {
        return this.#feed.live;
    }


    /* the highest that was applied; null: nothing was */
    get revision() {
        return this.#feed.revision;
    }


    get sequenceNumber() {
        return this.#feed.sequenceNumber;
    }


    /* -- messages -------------------------------------------------------- */

    /*
     * Sends a message; resolves with its id, sequenceNumber and timestamp once
     * the server has it.  Survives lost connections until `deadline` ms are
     * over.  To try again what failed, give the same clientMessageId.  more:
     * replyTo, mentions, attachments.
     */
    send(content, { clientMessageId, deadline, ...more } = {}) {
        this.#typing.over();

        return this.#outbox.add({ conversationId: this.id, clientMessageId,
                                  content, ...more }, deadline);
    }


    edit(messageId, content) {
        return this.#change('message.edit', { messageId, content });
    }


    deleteMessage(messageId) {
        return this.#change('message.delete', { messageId });
    }


    addReaction(messageId, emoji) {
        return this.#change('reaction.add', { messageId, emoji });
    }


    removeReaction(messageId, emoji) {
        return this.#change('reaction.remove', { messageId, emoji });
    }


    /* messages before or after a sequence number; {messages, complete} */
    history({ beforeSequence, afterSequence, limit = 50 } = {}) {
        return this.#client.call('history.get', {
            conversationId: this.id, beforeSequence, afterSequence, limit
        });
    }


    /*
     * Everything up to there was read, or has arrived; never fails.  That it
     * has arrived is kept back while the user is invisible.
     */
    markRead(sequenceNumber) {
        this.#read.set(sequenceNumber);
    }


    markDelivered(sequenceNumber) {
        this.#delivered.set(sequenceNumber);
    }


    /* -- who types, and who is there ------------------------------------- */

    /* to be called on each input: others are told now and then */
    typing() {
        if (this.live) {
            this.#typing.input();
        }
    }


    /* the input was given up; sending ends it by itself */
    stopTyping() {
        if (this.live) {
            this.#typing.stop();
        }
    }


    /* of others, in the order in which they began: [{userId, displayName}] */
    get typists() {
        return this.#typists.list;
    }


    /* who is there at this moment: {size, online, members} */
    presence() {
        return this.#client.call('presence.get', { conversationId: this.id });
    }


    /* tells that, and what changes, whenever the conversation is joined */
    watchPresence() {
        this.#roster.watch();
    }


    unwatchPresence() {
        this.#roster.unwatch();
    }


    /* -- settings and members -------------------------------------------- */

    /* settings: name, description, readOnly, slowMode (seconds) */
    update(settings) {
        return this.#change('conversation.update', settings);
    }


    /* of the conversation, for everyone */
    delete() {
        return this.#change('conversation.delete', {}, { gone: true });
    }


    /* {items, nextCursor} */
    members({ cursor, limit } = {}) {
        return this.#client.call('member.list', {
            conversationId: this.id, cursor, limit
        });
    }


    addMember(userId, role) {
        return this.#change('member.add', { userId, role });
    }


    /* role: owner, admin, moderator, member or blocked */
    updateMember(userId, role) {
        return this.#change('member.update', { userId, role });
    }


    /* of oneself: leaves */
    removeMember(userId) {
        return this.#change('member.remove', { userId }, { gone: true });
    }


    /*
     * One change after the other: of two that overtake each other because one
     * had to be tried again, the older would win.
     */
    #change(type, data, options) {
        const change = this.#changes.then(() => this.#client.call(
            type, { conversationId: this.id, ...data }, options));

        this.#changes = change.catch(() => { /* its caller is told */ });

        return change;
    }


    /* -- what the client tells ------------------------------------------- */

    _online() {
        this.#feed.online();
        this.#outbox.flush();
        this.#read.flush();
        this.#delivered.flush();
    }


    /* nothing is heard any more of what passes */
    _offline() {
        this.#feed.offline();
        this.#roster.offline();
        this.#typing.over();
        this.#typists.clear();
    }


    /* nobody listens to it any more */
    _end() {
        this._offline();
        this.#roster.end();
    }


    /* the user is seen again */
    _visible() {
        this.#delivered.flush();
    }


    _event(frame) {
        if (frame.type === 'conversation.reset'
            || frame.data.revision !== undefined)
        {
            this.#feed.event(frame);

        } else {
            this.#onSignal(frame);
        }
    }


    /* -- what happens ---------------------------------------------------- */

    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }


    #onSignal(frame) {
        if (frame.type.startsWith('typing.')) {
            this.#typists.event(frame);

        } else if (frame.type === 'presence.count') {
            this.#roster.count(frame.data);
        }

        this.#emit('signal', frame);
    }


    /* who has sent or left does not type, whatever was lost on its way */
    #onEvent(frame) {
        const { type, data } = frame;

        if (type === 'message.created') {
            this.#typists.remove(data.senderId);

        } else if (type === 'member.left') {
            this.#typists.remove(data.userId);
        }

        this.#emit('event', frame);
    }


    #onReset() {
        this.#read.reset();
        this.#delivered.reset();
        this.#emit('reset');
    }


    #onLive(detail) {
        if (detail.role !== null) {
            this.#read.know(detail.lastReadSequence);
        }

        this.#roster.live();
        this.#emit('live', detail);
    }


    #onEnd(end) {
        this.#outbox.stop(new ChatError('not_found', 'the conversation ended'));
        this.#client.forget(this.id);
        this.#emit('ended', end);
    }
}

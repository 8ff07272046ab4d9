// Phoenix channels for the `phoenix` client: many topics over one connection, which are joined and left independently.
//
// The reply to a message is the result of its callback. Pushes and broadcasts go through the mailbox.

import type { WebSock } from '@websock/spec';
import { type ChannelMessage, decode, encode, encodeReply, type Payload } from './serializer.ts';

/** The answer of a channel to a join or a push. */
export interface Answer {
  readonly status: 'ok' | 'error';
  readonly response: Payload;
}

/** The application's callbacks for topics of one kind. */
export interface Channel<User> {
  /** Answers a join; `ok` accepts it. */
  join(user: User, topic: string, params: Payload): WebSock.Awaitable<Answer>;
  /** Is called after an accepted join; pushes from here follow the answer. */
  joined?(member: Member<User>): void;
  /** Handles a push from a member; sends no answer for `undefined`. */
  handleIn(event: string, payload: Payload, member: Member<User>): WebSock.Awaitable<Answer | undefined>;
  /** Is called when a member has left the topic or has lost its connection. */
  left?(member: Member<User>): void;
}

/** One join of a topic, from `phx_join` until the member leaves or loses its connection. */
export interface Member<User> {
  readonly user: User;
  readonly topic: string;
  /** Unique to this join. */
  readonly id: string;
  /** The current members of the topic. */
  readonly members: Iterable<Member<User>>;
  push(event: string, payload: Payload): void;
  /** Pushes to every member of the topic except `except`. */
  broadcast(event: string, payload: Payload, except?: Member<User>): void;
}

export interface Phoenix<User> {
  readonly handler: WebSock<State<User>, Info, URLSearchParams>;
  /** Closes every connection with 1012, so that the clients connect again, such as before a deployment. */
  restart(): void;
}

type Info =
  | { readonly type: 'push'; readonly to: Join; readonly message: WebSock.Message }
  | { readonly type: 'restart' };

interface State<User> {
  readonly user: User | undefined;
  readonly mailbox: WebSock.Mailbox<Info>;
  readonly joins: Map<string, Join<User>>;
}

interface Join<User = any> extends Member<User> {
  readonly joinRef: string | null;
  readonly channel: Channel<User>;
  post(message: WebSock.Message): void;
}

export function phoenix<User>(application: {
  /** The user, from the params of the client's `Socket`; `undefined` refuses the connection. */
  readonly connect: (params: URLSearchParams) => User | undefined;
  /** By topic, such as `lobby`, or by prefix, such as `room:*`. */
  readonly channels: { readonly [topic: string]: Channel<User> };
}): Phoenix<User> {
  const channels = Object.entries(application.channels);
  const mailboxes = new Set<WebSock.Mailbox<Info>>();
  const topics = new Map<string, Set<Join<User>>>();
  let count = 0;

  function channelOf(topic: string): Channel<User> | undefined {
    return channels.find(([name]) => (name.endsWith('*') ? topic.startsWith(name.slice(0, -1)) : topic === name))?.[1];
  }

  function enter(state: State<User>, user: User, channel: Channel<User>, { joinRef, topic }: ChannelMessage): void {
    const members = topics.get(topic) ?? new Set();
    const join: Join<User> = {
      user,
      topic,
      id: String(++count),
      joinRef,
      channel,
      members,
      post: (message) => state.mailbox.post({ type: 'push', to: join, message }),
      push: (event, payload) => join.post(encode({ joinRef, ref: null, topic, event, payload })),
      broadcast(event, payload, except) {
        const message = encode({ joinRef: null, ref: null, topic, event, payload }); // once for all members
        for (const member of members) if (member !== except) member.post(message);
      },
    };
    topics.set(topic, members.add(join));
    state.joins.set(topic, join);
    channel.joined?.(join);
  }

  function leave(state: State<User>, join: Join<User>): void {
    const members = topics.get(join.topic);
    members?.delete(join);
    if (members?.size === 0) topics.delete(join.topic);
    state.joins.delete(join.topic);
    try {
      join.channel.left?.(join);
    } catch (error) {
      report('leaving', join.topic, error); // the other topics of the connection must be left, too
    }
  }

  async function answerJoin(message: ChannelMessage, state: State<User>): Promise<WebSock.HandleResult<State<User>>> {
    const channel = channelOf(message.topic);
    if (!channel || state.user === undefined) return unmatched(message, state);
    const before = state.joins.get(message.topic);
    if (before) leave(state, before); // the client has forgotten its earlier join
    const closing = before ? [closed(before)] : [];
    let answer: Answer;
    try {
      answer = await channel.join(state.user, message.topic, message.payload);
      if (answer.status === 'ok') enter(state, state.user, channel, message);
    } catch (error) {
      report('joining', message.topic, error);
      const join = state.joins.get(message.topic);
      if (join) leave(state, join);
      answer = { status: 'error', response: { reason: 'join crashed' } };
    }
    return replied(message, answer, state, closing);
  }

  async function answerPush(
    message: ChannelMessage,
    join: Join<User>,
    state: State<User>,
  ): Promise<WebSock.HandleResult<State<User>>> {
    try {
      const answer = await join.channel.handleIn(message.event, message.payload, join);
      return answer ? replied(message, answer, state) : { type: 'ok', state };
    } catch (error) {
      // Only the channel has failed, not the connection: the client joins the topic again.
      report(message.event, join.topic, error);
      leave(state, join);
      const { topic, joinRef } = join;
      const failed = encode({ joinRef, ref: joinRef, topic, event: 'phx_error', payload: { reason: 'channel_crash' } });
      return { type: 'push', messages: failed, state };
    }
  }

  const handler: Phoenix<User>['handler'] = {
    init(params, mailbox) {
      const version = params.get('vsn') ?? '';
      const user = version.startsWith('2.') ? application.connect(params) : undefined;
      const state = { user, mailbox, joins: new Map() };
      if (user === undefined) {
        return { type: 'stop', reason: 'normal', close: { code: 1008, reason: 'unauthorized' }, state };
      }
      mailboxes.add(mailbox); // last: if `init` throws, `terminate` is not called
      return { type: 'ok', state };
    },

    handleIn(frame, state) {
      let message: ChannelMessage;
      try {
        message = decode(frame);
      } catch (error) {
        return { type: 'stop', reason: { error }, state };
      }
      const { topic, event, joinRef } = message;
      if (topic === 'phoenix' && event === 'heartbeat') return replied(message, OK, state);
      if (event === 'phx_join') return answerJoin(message, state);
      const join = state.joins.get(topic);
      if (!join) return event === 'phx_leave' ? replied(message, OK, state) : unmatched(message, state);
      if (joinRef !== null && joinRef !== join.joinRef) return { type: 'ok', state }; // for an earlier join
      if (event !== 'phx_leave') return answerPush(message, join, state);
      leave(state, join);
      return { ...replied(message, OK, state), messages: [encodeReply(message, 'ok', {}), closed(join)] };
    },

    handleInfo(info, state) {
      if (info.type === 'restart') return { type: 'stop', reason: 'restart', state };
      // A push to a join that has ended is dropped.
      if (state.joins.get(info.to.topic) !== info.to) return { type: 'ok', state };
      return { type: 'push', messages: copied(info.message), state };
    },

    terminate(_reason, state) {
      mailboxes.delete(state.mailbox);
      for (const join of [...state.joins.values()]) leave(state, join);
    },
  };

  return {
    handler,
    restart() {
      for (const mailbox of mailboxes) mailbox.post({ type: 'restart' });
    },
  };
}

const OK: Answer = { status: 'ok', response: {} };

function replied<State>(
  message: ChannelMessage,
  { status, response }: Answer,
  state: State,
  before: readonly WebSock.Message[] = [],
): WebSock.Reply<State> {
  return { type: 'reply', status, messages: [...before, encodeReply(message, status, response)], state };
}

function unmatched<State>(message: ChannelMessage, state: State): WebSock.Reply<State> {
  // Without the ref of a join, so that the client accepts it after any later join.
  return replied({ ...message, joinRef: null }, { status: 'error', response: { reason: 'unmatched topic' } }, state);
}

function closed({ joinRef, topic }: Join): WebSock.Message {
  return encode({ joinRef, ref: joinRef, topic, event: 'phx_close', payload: {} });
}

/** Copies bytes: a broadcast is encoded once, but the bytes of a message belong to the server (rule 2.7). */
function copied(message: WebSock.Message): WebSock.Message {
  return message.opcode === 'binary' ? { opcode: 'binary', data: (message.data as Uint8Array).slice() } : message;
}

function report(what: string, topic: string, error: unknown): void {
  console.error(`phoenix: ${what} on ${topic} failed:`, error);
}

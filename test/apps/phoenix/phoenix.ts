// Phoenix channels: many topics over one connection, each joined and left on its own, as the `phoenix` client speaks it.
//
// What answers a message is the result of its callback. Everything else, a push or a broadcast, goes through the mailbox.

import type { WebSock } from '@websock/spec';
import { type ChannelMessage, decode, encode, encodeReply, type Payload } from './serializer.ts';

/** What a channel answers to a join or a push. */
export interface Answer {
  readonly status: 'ok' | 'error';
  readonly response: Payload;
}

/** What an application does with the topics of one kind. */
export interface Channel<User> {
  /** Whether to let somebody in: an answer of `ok` does. */
  join(user: User, topic: string, params: Payload): WebSock.Awaitable<Answer>;
  /** Somebody has joined; what is pushed here comes after the answer. */
  joined?(member: Member<User>): void;
  /** A push from a member; no answer is sent for undefined. */
  handleIn(event: string, payload: Payload, member: Member<User>): WebSock.Awaitable<Answer | undefined>;
  /** Somebody has left, or is gone, and is no member any more. */
  left?(member: Member<User>): void;
}

/** One join of one topic, from `phx_join` until the member leaves or is gone. */
export interface Member<User> {
  readonly user: User;
  readonly topic: string;
  /** Unique to this join. */
  readonly id: string;
  /** All who have joined the topic now. */
  readonly members: Iterable<Member<User>>;
  push(event: string, payload: Payload): void;
  /** Pushes to every member of the topic, except for one if it is given. */
  broadcast(event: string, payload: Payload, except?: Member<User>): void;
}

export interface Phoenix<User> {
  readonly handler: WebSock<State<User>, Info, URLSearchParams>;
  /** Tells every client to connect again, as before a deployment. */
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
  /** Who connects, by the params of the client's `Socket`; undefined refuses. */
  readonly connect: (params: URLSearchParams) => User | undefined;
  /** By topic, such as `lobby`, or by its beginning, such as `room:*`. */
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
        const message = encode({ joinRef: null, ref: null, topic, event, payload }); // once for all of them
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
      report('leaving', join.topic, error); // the other topics of the connection must be left too
    }
  }

  async function answerJoin(message: ChannelMessage, state: State<User>): Promise<WebSock.HandleResult<State<User>>> {
    const channel = channelOf(message.topic);
    if (!channel || state.user === undefined) return unmatched(message, state);
    const before = state.joins.get(message.topic);
    if (before) leave(state, before); // the client joins anew, and has forgotten the join before
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
      // The channel has failed, not the connection: the client joins the topic again.
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
      mailboxes.add(mailbox);
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
      if (joinRef !== null && joinRef !== join.joinRef) return { type: 'ok', state }; // meant for a join before this one
      if (event !== 'phx_leave') return answerPush(message, join, state);
      leave(state, join);
      return { ...replied(message, OK, state), messages: [encodeReply(message, 'ok', {}), closed(join)] };
    },

    handleInfo(info, state) {
      if (info.type === 'restart') return { type: 'stop', reason: 'restart', state };
      // What was sent to a join that is over is for nobody.
      if (state.joins.get(info.to.topic) !== info.to) return { type: 'ok', state };
      return { type: 'push', messages: own(info.message), state };
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
  // Without the join's ref, so that the client takes it whatever it has joined since.
  return replied({ ...message, joinRef: null }, { status: 'error', response: { reason: 'unmatched topic' } }, state);
}

function closed({ joinRef, topic }: Join): WebSock.Message {
  return encode({ joinRef, ref: joinRef, topic, event: 'phx_close', payload: {} });
}

/** A broadcast is encoded once, but the bytes of a message belong to the server that sends it (rule 2.7). */
function own(message: WebSock.Message): WebSock.Message {
  return message.opcode === 'binary' ? { opcode: 'binary', data: (message.data as Uint8Array).slice() } : message;
}

function report(what: string, topic: string, error: unknown): void {
  console.error(`phoenix: ${what} on ${topic} failed:`, error);
}

// The types of @websock/adapter/json; compiled by json.test.ts on several compilers, and never run.

import { accept } from '@websock/adapter';
import { type ClientMessages, json, type ServerMessages } from '@websock/adapter/json';
import { connect } from '@websock/adapter/testing';
import type { WebSock } from '@websock/spec';
import type { Assert, HandlerConforms } from '@websock/spec/conformance';
import { type } from 'arktype';
import * as v from 'valibot';
import * as z from 'zod';

type Is<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : ['is', One, 'not', Other];

interface Member {
  readonly name: string;
  readonly mailbox: WebSock.Mailbox<'tick'>;
}

// ---- zod, with transforms: the types on the wire differ from those of the handler ----

const protocol = {
  in: z.discriminatedUnion('type', [
    z.object({ type: z.literal('say'), text: z.string() }),
    z.object({ type: z.literal('since'), at: z.string().transform((text) => new Date(text)) }),
  ]),
  out: z.discriminatedUnion('type', [
    z.object({ type: z.literal('said'), from: z.string(), at: z.date().transform((date) => date.toISOString()) }),
    z.object({ type: z.literal('error'), issues: z.number() }),
  ]),
};

export type Client = Assert<
  Is<ClientMessages<typeof protocol>, { type: 'say'; text: string } | { type: 'since'; at: string }>
>;
export type Server = Assert<
  Is<ServerMessages<typeof protocol>, { type: 'said'; from: string; at: string } | { type: 'error'; issues: number }>
>;

const member = json({
  ...protocol,
  invalid: (issues, state) => ({ type: 'push', messages: { type: 'error', issues: issues.length }, state }),
})({
  init: (name: string, mailbox: WebSock.Mailbox<'tick'>) => ({ type: 'ok', state: { name, mailbox } }),
  async handleMessage(message, state) {
    if (message.type === 'say') {
      return { type: 'push', messages: { type: 'said', from: state.name, at: new Date() }, state };
    }
    const at: Date = message.at;
    return { type: 'stop', messages: [{ type: 'said', from: '', at }], state, close: { code: 4000 } };
  },
  handleInfo: (info, state) => ({
    type: 'reply',
    status: info,
    messages: [{ type: 'error', issues: info.length }, { opcode: 'ping' }],
    state,
  }),
  handleControl: (frame, state) => ({
    type: 'push',
    messages: { type: 'error', issues: frame.data.byteLength },
    state,
  }),
  terminate: ({ code }, { name }) => [code, name],
});
export type MemberIs = Assert<
  Is<typeof member, WebSock<{ name: string; mailbox: WebSock.Mailbox<'tick'> }, 'tick', string>>
>;
export type MemberConforms = Assert<HandlerConforms<typeof member>>;
accept(member, 'alice');
connect(member, 'alice').post('tick');
// @ts-expect-error: the arg is a string
accept(member, 1);
// @ts-expect-error: not what is posted
connect(member, 'alice').post('tock');

// ---- A class ----

class Room {
  readonly #names = new Set<string>();

  init(name: string, mailbox: WebSock.Mailbox<'tick'>): WebSock.Ok<Member> {
    this.#names.add(name);
    return { type: 'ok', state: { name, mailbox } };
  }
  handleMessage(message: { type: 'say'; text: string } | { type: 'since'; at: Date }, state: Member) {
    const at = message.type === 'since' ? message.at : new Date();
    return { type: 'push', messages: { type: 'said', from: [...this.#names].join(), at }, state } as const;
  }
  handleInfo(_info: 'tick', state: Member) {
    return { type: 'ok', state } as const;
  }
}
const room = json(protocol)(new Room());
export type RoomIs = Assert<Is<typeof room, WebSock<Member, 'tick', string>>>;
accept(room, 'alice');

// ---- Without an arg, posted messages or a state ----

const least = json(protocol)({
  init: () => ({ type: 'ok', state: undefined }),
  handleMessage: (_message, state) => ({ type: 'ok', state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
});
export type LeastIs = Assert<Is<typeof least, WebSock<undefined>>>;
accept(least);
accept(
  json(protocol)({
    init: () => ({ type: 'ok', state: 0 }),
    handleMessage: (_message, state) => ({ type: 'ok', state: state + 1 }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  }),
);

// ---- valibot and arktype ----

const inValibot = {
  in: v.variant('type', [v.object({ type: v.literal('say'), text: v.string() })]),
  out: v.object({
    type: v.literal('said'),
    at: v.pipe(
      v.date(),
      v.transform((date) => date.toISOString()),
    ),
  }),
};
export type ValibotServer = Assert<Is<ServerMessages<typeof inValibot>, { type: 'said'; at: string }>>;
accept(
  json({ ...inValibot, invalid: (_issues, state) => ({ type: 'stop', close: { code: 4001 }, state }) })({
    init: () => ({ type: 'push', messages: { type: 'said', at: new Date() }, state: 0 }),
    handleMessage: ({ text }, state) => ({ type: 'ok', state: state + text.length }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  }),
);

const inArktype = { in: type({ type: '"say"', text: 'string' }), out: type({ type: '"said"', text: 'string' }) };
export type ArktypeClient = Assert<Is<ClientMessages<typeof inArktype>, { type: 'say'; text: string }>>;
accept(
  json(inArktype)({
    init: () => ({ type: 'ok', state: 0 }),
    handleMessage: ({ text }, state) => ({ type: 'push', messages: { type: 'said', text }, state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  }),
);

// ---- A message that is a list ----

const pairs = json({ in: z.tuple([z.string(), z.number()]), out: z.tuple([z.string(), z.number()]) });
accept(
  pairs({
    init: () => ({ type: 'ok', state: 0 }),
    handleMessage: ([key, value], state) => ({ type: 'push', messages: [[key, value]], state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  }),
);

// ---- Mistakes ----

json(protocol)({
  init: () => ({ type: 'ok', state: null }),
  // @ts-expect-error: no such message
  handleMessage: (_message, state) => ({ type: 'push', messages: { type: 'sayd', from: '', at: new Date() }, state }),
  // @ts-expect-error: a misspelled property
  handleInfo: (_info, state) => ({ type: 'push', messages: { type: 'said', fro: '', at: new Date() }, state }),
  // @ts-expect-error: the handler sends a Date, which the schema turns into a string
  handleControl: (_frame, state) => ({ type: 'push', messages: { type: 'said', from: '', at: '' }, state }),
});
// @ts-expect-error: of `handleIn` and `handleMessage`, a typed handler has the latter
json(protocol)({ init: least.init, handleInfo: least.handleInfo, handleIn: least.handleIn });
// @ts-expect-error: no such message
json({ ...protocol, invalid: (_issues, state) => ({ type: 'push', messages: { type: 'eror', issues: 1 }, state }) });
// @ts-expect-error: the state of a handler that is not known here
json({ ...protocol, invalid: () => ({ type: 'ok', state: 1 }) });
// @ts-expect-error: no schema
json({ in: protocol.in, out: { type: 'said' } });
// @ts-expect-error: no schema for what the server sends
json({ in: protocol.in });

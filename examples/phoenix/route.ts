// Rooms with presence, texts and drawings. The `phoenix` client connects to `/socket`.

import { accept, type Route } from '@websock/adapter';
import { type Answer, type Channel, type Member, phoenix } from './phoenix.ts';
import type { Payload } from './serializer.ts';

const users = new Map([
  ['token-of-alice', 'alice'],
  ['token-of-bob', 'bob'],
]);

const ok = (response: Payload = {}): Answer => ({ status: 'ok', response });
const error = (reason: string): Answer => ({ status: 'error', response: { reason } });

const text = (payload: Payload, name: string): string | undefined => {
  const value = payload instanceof Uint8Array ? undefined : payload[name];
  return typeof value === 'string' ? value : undefined;
};

/** In the format of the client's `Presence`: by user, as a user may be present more than once. */
function presence(members: Iterable<Member<string>>): Payload {
  const present: { [user: string]: { metas: { phx_ref: string }[] } } = {};
  for (const { user, id } of members) {
    present[user] ??= { metas: [] };
    present[user].metas.push({ phx_ref: id });
  }
  return present;
}

const room: Channel<string> = {
  join(user, topic, params) {
    if (text(params, 'mood') === undefined) return error('mood is missing');
    if (topic === 'room:vault' && user !== 'alice') return error('unauthorized');
    return ok({ welcome: user });
  },
  joined(member) {
    member.push('presence_state', presence(member.members));
    member.broadcast('presence_diff', { joins: presence([member]), leaves: {} }, member);
  },
  left(member) {
    member.broadcast('presence_diff', { joins: {}, leaves: presence([member]) });
  },
  async handleIn(event, payload, member) {
    switch (event) {
      case 'say':
        if (text(payload, 'text') === undefined) return error('text is missing');
        member.broadcast('said', { from: member.user, text: text(payload, 'text') });
        return ok();
      case 'draw': // bytes, for all others
        member.broadcast('drawn', payload, member);
        return undefined;
      case 'echo': // JSON or bytes, in a push and in a reply
        member.push('echoed', payload);
        return ok(payload);
      case 'fail':
        throw new Error('an error in the channel');
      case 'restart':
        server.restart();
        return ok();
      default:
        return error(`unknown event: ${event}`);
    }
  },
};

const server = phoenix<string>({
  connect: (params) => users.get(params.get('token') ?? ''),
  channels: { 'room:*': room },
});

export const route: Route = ({ url }) => {
  const { pathname, searchParams } = new URL(url);
  return pathname === '/socket/websocket' ? accept(server.handler, searchParams) : undefined;
};

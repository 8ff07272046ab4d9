// Rooms in which people see who is there, talk and draw: what the `phoenix` client connects to at `/socket`.

import { type Application, service } from '../../toolkit/hosts/application.ts';
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

/** In the form of the client's `Presence`: by user, as a user may be there more than once. */
function presence(members: Iterable<Member<string>>): Payload {
  const there: { [user: string]: { metas: { phx_ref: string }[] } } = {};
  for (const { user, id } of members) {
    there[user] ??= { metas: [] };
    there[user].metas.push({ phx_ref: id });
  }
  return there;
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
      case 'draw': // bytes, which the others see
        member.broadcast('drawn', payload, member);
        return undefined;
      case 'echo': // by a push and by a reply, be it JSON or bytes
        member.push('echoed', payload);
        return ok(payload);
      case 'fail':
        throw new Error('a fault in the channel');
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

const application: Application = ({ url }) => {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  return pathname === '/socket/websocket' ? service(server.handler, searchParams) : undefined;
};

export default application;

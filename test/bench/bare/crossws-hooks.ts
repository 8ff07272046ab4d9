// The work on crossws, on any platform.

import { type Work, workBy } from './work.ts';

// The part of crossws's types that is used here; its own declarations need the types of a browser.
interface Peer {
  readonly context: { work?: Work<Peer> };
  readonly request: { readonly url: string };
  send(data: unknown): unknown;
  subscribe(topic: string): void;
}

export interface Hooks {
  open(peer: Peer): void;
  message(peer: Peer, message: { readonly rawData: unknown }): unknown;
  close(peer: Peer): void;
}

export function createHooks(publish: (topic: string, data: unknown) => void): Hooks {
  const workOf = workBy<Peer>((peer, data) => peer.send(data), {
    opened: (peer) => peer.subscribe('topic'),
    message: (_peer, data) => publish('topic', data),
  }); // unchanged: text stays text
  return {
    open(peer) {
      const work = workOf(new URL(peer.request.url).pathname);
      peer.context.work = work;
      work.opened?.(peer);
    },
    message: (peer, { rawData }) => peer.context.work?.message(peer, rawData),
    close: (peer) => peer.context.work?.closed?.(peer),
  };
}

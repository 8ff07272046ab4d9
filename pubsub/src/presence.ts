// Who is in which topic, over all processes.
//
// Each process is the only one that writes its own presences, and numbers its changes. It sends each change, and the number of
// the last one regularly. A process that has missed some, or does not know the sender, asks for all of them. So lost messages,
// new processes and splits that end are one case.

import { copyJson } from './codec.ts';
import { describe } from './describe.ts';
import { createOrder } from './in-order.ts';
import type { Held, Member, Subscriber } from './members.ts';
import { checkFunction, checkNumber, checkOptions, checkString, checkTopic } from './options.ts';
import { checkMailbox, internalsOf, type PubSub } from './pubsub.ts';

/** Options of {@link createPresence}. */
export interface PresenceOptions {
  /** Distinguishes the presences of one pub/sub. All processes need the same. Default: `''`. */
  readonly name?: string | undefined;
  /**
   * After how long without a sign of a process its presences leave, in ms, at least 1. Each process gives a sign four times in
   * that time. Default: 10 000.
   */
  readonly lease?: number | undefined;
}

/** What has changed in a topic. An update is in both lists: what it was has left, what it is has joined. */
export interface PresenceChange<Meta> {
  /** The metas that are new. */
  readonly joined: readonly Meta[];
  /** The metas that are gone. */
  readonly left: readonly Meta[];
}

/** One presence. The functions may be detached. */
export interface Tracked<Meta> {
  /**
   * Replaces the meta. Settles as `track` does; does nothing after the presence has left. Throws a TypeError for a meta that JSON
   * cannot express.
   */
  readonly update: (meta: Meta) => Promise<void>;
  /** Ends the presence. Does nothing if it has ended. */
  readonly leave: () => void;
}

/** Who is in which topic. The functions may be detached. */
export interface Presence<Meta> {
  /**
   * Adds a presence to a topic, until `leave` or the end of the mailbox's connection. Resolves when the broker has the news; also
   * when it does not accept them: the other processes then learn it as soon as the broker is back. A mailbox that has ended adds
   * none.
   *
   * Throws a TypeError for an invalid topic or mailbox, and for a meta that JSON cannot express; an Error after `close`.
   */
  readonly track: (topic: string, mailbox: Subscriber<any>, meta: Meta) => Promise<Tracked<Meta>>;
  /**
   * The metas of all presences of a topic, as far as this process knows: first its own, in the order in which they joined, then
   * those of other processes. Do not modify them.
   */
  readonly list: (topic: string) => readonly Meta[];
  /**
   * Calls a listener when presences have joined, left or changed in a topic: once for each. Returns a function that takes the
   * listener off.
   */
  readonly onChange: (listener: (topic: string, change: PresenceChange<Meta>) => void) => () => void;
}

/** A presence: its number in its process, its topic and its meta. */
type Entry = readonly [number: number, topic: string, meta: unknown];

/** What processes send. `version` is the number of the sender's last change. */
type Message =
  | { readonly type: 'alive'; readonly from: string; readonly version: number }
  /** The change `version`: a presence that is there now, or, without a topic, one that has left. */
  | {
      readonly type: 'change';
      readonly from: string;
      readonly version: number;
      readonly entry: Entry | readonly [number];
    }
  /** Asks a process, or all, for its state. */
  | { readonly type: 'ask'; readonly from: string; readonly whom?: string }
  /** All presences of the sender, in parts: brokers limit the size of a message. */
  | {
      readonly type: 'state';
      readonly from: string;
      readonly version: number;
      readonly part: number;
      readonly parts: number;
      readonly entries: readonly Entry[];
    }
  | { readonly type: 'bye'; readonly from: string };

/** What is known of another process. */
interface Other {
  /** The number of its last change that is known; -1 before its state is known. */
  version: number;
  readonly entries: Map<number, Entry>;
  /** The time left until it counts as dead, in ms. */
  lease: number;
  /** Whether it was asked for its state. */
  isAsked: boolean;
  /** The parts of a state that have come. */
  parts: Entry[];
  /** The next part, and the version of the state. */
  expected: readonly [part: number, version: number];
}

/** How many characters of JSON one part of a state has, roughly. */
const PART = 64_000;

const RESOLVED = Promise.resolve();

/** How often, in one lease, a process says that it is alive. */
const BEATS = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Makes a presence: who is in which topic, in all processes of the pub/sub's broker. It ends with the pub/sub. Throws a TypeError
 * for an invalid argument, and an Error if the pub/sub has a presence of that name, or is closed.
 *
 * @typeParam Meta - what is known of each presence, such as a name; plain JSON
 */
export function createPresence<Meta>(pubsub: PubSub<any>, options: PresenceOptions = {}): Presence<Meta> {
  const { members, channels, report, checkOpen, presences } = internalsOf(pubsub);
  checkOptions('createPresence', options, ['name', 'lease']);
  const name = checkString('createPresence', 'name', options.name ?? '');
  const lease = checkNumber('createPresence', 'lease', options.lease ?? 10_000, 'milliseconds');
  checkTopic('createPresence', name);
  checkOpen('createPresence');
  if (presences.has(name)) {
    throw new Error(`createPresence: the pub/sub has a presence named ${describe(name)}; give each its own name`);
  }

  // On Cloudflare there are no random numbers outside of requests; without a broker, none is needed.
  const me = channels ? crypto.randomUUID() : '';
  const channel = `p${name}`;
  const own = new Map<number, Entry>();
  const others = new Map<string, Other>();
  /** The entries of each topic: of this process first. */
  const topics = new Map<string, { readonly own: Set<Entry>; readonly others: Set<Entry> }>();
  const listeners = new Set<(topic: string, change: PresenceChange<Meta>) => void>();
  let version = 0;
  let lastNumber = 0;

  /** Replaces one entry by another in what `list` shows. */
  function replace(isOwn: boolean, before: Entry | undefined, after: Entry | undefined): void {
    const topic = (before ?? after)?.[1] as string;
    const lists = topics.get(topic) ?? { own: new Set(), others: new Set() };
    topics.set(topic, lists);
    const list = isOwn ? lists.own : lists.others;
    if (before) list.delete(before);
    if (after) list.add(after);
    if (lists.own.size + lists.others.size === 0) topics.delete(topic);
  }

  // A listener may cause another change while it is called: all listeners are called for that one after this one.
  const inOrder = createOrder();

  /** Calls the listeners once for each topic. */
  function tell(changes: readonly (readonly [before: Entry | undefined, after: Entry | undefined])[]): void {
    inOrder(() => tellNow(changes));
  }

  function tellNow(changes: Parameters<typeof tell>[0]): void {
    const byTopic = new Map<string, { joined: Meta[]; left: Meta[] }>();
    for (const [before, after] of changes) {
      const topic = (before ?? after)?.[1] as string;
      const change = byTopic.get(topic) ?? { joined: [], left: [] };
      byTopic.set(topic, change);
      if (before) change.left.push(before[2] as Meta);
      if (after) change.joined.push(after[2] as Meta);
    }
    for (const [topic, change] of byTopic) {
      for (const listener of [...listeners]) {
        try {
          listener(topic, change);
        } catch (error) {
          report(error, { source: 'onChange', topic });
        }
      }
    }
  }

  /** Sends a message. Without an answer of the broker, the next beat repairs what the others have missed. */
  async function send(message: Message): Promise<void> {
    await channels?.publish(channel, encoder.encode(JSON.stringify(message))).catch(() => {});
  }

  function change(before: Entry | undefined, after: Entry | undefined): Promise<void> {
    const [number] = (before ?? after) as Entry;
    if (after) own.set(number, after);
    else own.delete(number);
    replace(true, before, after);
    version += 1;
    const sent = send({ type: 'change', from: me, version, entry: after ?? [number] });
    tell([[before, after]]);
    return sent;
  }

  function sendState(): void {
    const parts: Entry[][] = [[]];
    let size = 0;
    for (const entry of own.values()) {
      size += JSON.stringify(entry).length;
      if (size > PART) {
        size = 0;
        parts.push([]);
      }
      parts[parts.length - 1]?.push(entry);
    }
    for (const [part, entries] of parts.entries()) {
      send({ type: 'state', from: me, version, part, parts: parts.length, entries });
    }
  }

  function ask(from: string, other: Other): void {
    if (other.isAsked) return;
    other.isAsked = true; // until the state comes, or the next beat: many changes ask once
    send({ type: 'ask', from: me, whom: from });
  }

  function receive(message: Message): void {
    const { from } = message;
    if (from === me) return;
    if (message.type === 'bye') {
      forget(from);
      return;
    }
    if (message.type === 'ask' && (message.whom === undefined || message.whom === me)) sendState();
    let other = others.get(from);
    if (!other) {
      other = { version: -1, entries: new Map(), lease, isAsked: false, parts: [], expected: [0, -1] };
      others.set(from, other);
    }
    other.lease = lease;
    if (message.type === 'alive' ? message.version > other.version : message.type === 'ask' && other.version < 0) {
      ask(from, other);
    } else if (message.type === 'change' && message.version > other.version) {
      if (message.version === other.version + 1) applyChange(other, message.version, message.entry);
      else ask(from, other);
    } else if (message.type === 'state') applyPart(other, message);
  }

  function applyChange(other: Other, version: number, entry: Entry | readonly [number]): void {
    other.version = version;
    const [number] = entry;
    const before = other.entries.get(number);
    const after = entry.length === 3 ? entry : undefined;
    if (after) other.entries.set(number, after);
    else other.entries.delete(number);
    replace(false, before, after);
    tell([[before, after]]);
  }

  function applyPart(other: Other, message: Message & { type: 'state' }): void {
    const { version, part, parts, entries } = message;
    if (version <= other.version) return;
    if (part === 0) {
      other.parts = [];
      other.expected = [0, version];
    }
    if (other.expected[0] !== part || other.expected[1] !== version) return;
    other.parts.push(...entries);
    other.expected = [part + 1, version];
    if (part + 1 < parts) return;
    const next = new Map(other.parts.map((entry) => [entry[0], entry]));
    other.parts = [];
    other.isAsked = false;
    const changes: [Entry | undefined, Entry | undefined][] = [];
    for (const [number, before] of other.entries) if (!next.has(number)) changes.push([before, undefined]);
    for (const [number, after] of next) {
      const before = other.entries.get(number);
      if (before && JSON.stringify(before) === JSON.stringify(after)) continue;
      changes.push([before, after]);
    }
    for (const [before, after] of changes) {
      if (after) other.entries.set(after[0], after);
      else if (before) other.entries.delete(before[0]);
      replace(false, before, after);
    }
    other.version = version;
    tell(changes);
  }

  /** All presences of a process leave. */
  function forget(from: string): void {
    const other = others.get(from);
    if (!other) return;
    others.delete(from);
    const changes = [...other.entries.values()].map((entry) => [entry, undefined] as const);
    for (const [before] of changes) replace(false, before, undefined);
    tell(changes);
  }

  /** Says that this process is alive; those that have not said so for a lease are forgotten. */
  function beat(): void {
    send({ type: 'alive', from: me, version });
    for (const [from, other] of others) {
      other.isAsked = false;
      // By beats, not by the clock: while this process is stopped, it hears nothing, and no lease ends.
      other.lease -= lease / BEATS;
      if (other.lease < 0) forget(from);
    }
  }

  let timer: ReturnType<typeof setInterval> | undefined;

  /** Subscribes to the channel, again and again until the broker is there. */
  function join(): void {
    channels?.join(
      channel,
      {
        receive(data) {
          try {
            receive(JSON.parse(decoder.decode(data)));
          } catch (error) {
            report(error, { source: 'decode' }); // of another version, or of another program
          }
        },
      },
      (error) => {
        if (!presences.has(name)) return; // it was closed
        if (!error) send({ type: 'ask', from: me });
        else setTimeout(join, lease / BEATS);
      },
    );
  }

  presences.set(name, () => {
    clearInterval(timer);
    presences.delete(name);
    listeners.clear();
    topics.clear();
    send({ type: 'bye', from: me });
  });
  if (channels) {
    timer = setInterval(beat, lease / BEATS);
    join();
  }

  return {
    track(topic, mailbox, meta) {
      checkTopic('track', topic);
      checkMailbox('track', mailbox);
      checkOpen('track');
      const number = ++lastNumber;
      let entry: Entry | undefined = [number, topic, copyJson(meta, 'the meta', 0)];
      const held: Held = { release: leave };
      const member = members.hold(mailbox, held);
      if (!member) entry = undefined; // its connection has ended
      const sent = entry ? change(undefined, entry) : RESOLVED;

      function update(meta: Meta): Promise<void> {
        const next: Entry = [number, topic, copyJson(meta, 'the meta', 0)];
        if (!entry || !presences.has(name)) return RESOLVED;
        const before = entry;
        entry = next;
        return change(before, next);
      }

      function leave(): void {
        if (!entry || !presences.has(name)) return;
        const before = entry;
        entry = undefined;
        members.drop(member as Member, held);
        change(before, undefined);
      }

      return sent.then(() => ({ update, leave }));
    },
    list(topic) {
      checkTopic('list', topic);
      const lists = topics.get(topic);
      return lists ? Array.from([...lists.own, ...lists.others], ([, , meta]) => meta as Meta) : [];
    },
    onChange(listener) {
      checkFunction('onChange', 'the listener', listener);
      checkOpen('onChange');
      const added: typeof listener = (topic, change) => listener(topic, change);
      listeners.add(added);
      return () => listeners.delete(added);
    },
  };
}

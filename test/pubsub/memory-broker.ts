// A server and its brokers in the memory of one process: the right broker from which wrong-brokers.ts makes the wrong ones. Its
// network takes time, and can be cut.

import type { Broker, BrokerEvents, Bytes } from '@websock/pubsub';

/** A connection of a broker to the server, as the server has it. */
interface Session {
  readonly topics: Set<string>;
  readonly send: (event: () => void) => void;
  isOpen: boolean;
  readonly lost: () => void;
}

export class MemoryServer {
  readonly #sessions = new Set<Session>();
  readonly #paused: (() => void)[] = [];
  #isUp = true;
  #isPaused = false;

  /** Accepts a connection, unless the server is down. */
  accept(session: Session): boolean {
    if (this.#isUp) this.#sessions.add(session);
    return this.#isUp;
  }

  /** Runs a command of a session, in the order of arrival, and answers; without an answer if the connection is cut. */
  run(session: Session, command: () => void, answer: () => void): void {
    const work = () => {
      if (!session.isOpen) return;
      command();
      session.send(answer);
    };
    if (this.#isPaused) this.#paused.push(work);
    else work();
  }

  publish(topic: string, data: Bytes): void {
    for (const session of this.#sessions) {
      if (session.topics.has(topic)) session.send(() => this.deliver(session, topic, data));
    }
  }

  deliver: (session: Session, topic: string, data: Bytes) => void = () => {};

  cut(): void {
    for (const session of this.#sessions) {
      session.isOpen = false;
      setImmediate(session.lost);
    }
    this.#sessions.clear();
  }

  stop(): () => void {
    this.#isUp = false;
    this.cut();
    return () => {
      this.#isUp = true;
    };
  }

  pause(): () => void {
    this.#isPaused = true;
    return () => {
      this.#isPaused = false;
      for (const work of this.#paused.splice(0)) work();
    };
  }

  leave(session: Session): void {
    session.isOpen = false;
    this.#sessions.delete(session);
  }
}

export function memoryBroker(server: MemoryServer): Broker {
  const topics = new Set<string>();
  const stale = new Set<string>();
  const pending = new Set<(error: Error) => void>();
  let events: BrokerEvents;
  let session: Session | undefined;
  let isClosed = false;

  function deliver(topic: string, data: Bytes): void {
    if (stale.delete(topic)) events.gap([topic]);
    events.message(topic, data);
  }

  function lost(): void {
    session = undefined;
    for (const topic of topics) stale.add(topic);
    for (const reject of pending) reject(new Error('the connection was lost'));
    setImmediate(connect);
  }

  async function connect(): Promise<void> {
    const inbox: (() => void)[] = [];
    const own: Session = {
      topics: new Set(),
      isOpen: true,
      lost,
      send(event) {
        inbox.push(event);
        setImmediate(() => {
          const next = inbox.shift();
          if (own.isOpen) next?.();
        });
      },
    };
    if (isClosed) return;
    if (!server.accept(own)) {
      setTimeout(connect, 5);
      return;
    }
    receivers.set(own, deliver);
    server.deliver = (to, topic, data) => receivers.get(to)?.(topic, data);
    session = own;
    await command(() => {
      for (const topic of topics) own.topics.add(topic);
    }).catch(() => {});
    if (session !== own) return;
    const restored = [...stale];
    stale.clear();
    if (restored.length > 0) events.gap(restored);
  }

  /** Sends a command to the server, and waits for the answer. */
  async function command(work: (session: Session) => void): Promise<void> {
    const own = session;
    if (!own) throw new Error('there is no connection');
    await new Promise<void>((resolve, reject) => {
      pending.add(reject);
      setImmediate(() => server.run(own, () => work(own), resolve));
    });
  }

  return {
    order: 'topic',
    open(own) {
      events = own;
      connect();
    },
    async subscribe(topic) {
      await command((own) => own.topics.add(topic));
      topics.add(topic);
    },
    async unsubscribe(topic) {
      topics.delete(topic);
      stale.delete(topic);
      await command((own) => own.topics.delete(topic)).catch(() => {});
    },
    async publish(topic, data) {
      await command(() => server.publish(topic, data));
    },
    async close() {
      isClosed = true;
      if (session) server.leave(session);
    },
  };
}

const receivers = new WeakMap<Session, (topic: string, data: Bytes) => void>();

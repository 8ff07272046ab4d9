import type { BrokerEvents } from './broker.ts';

/** The topics whose subscription was interrupted, until their gap has been reported. */
export class Gaps {
  readonly #topics = new Set<string>();

  /** The subscription of a topic was interrupted. */
  add(topic: string): void {
    this.#topics.add(topic);
  }

  /** There is no subscription any more, so no gap is reported. */
  delete(topic: string): void {
    this.#topics.delete(topic);
  }

  clear(): void {
    this.#topics.clear();
  }

  /** Reports the gaps of these topics, unless they have been reported. */
  report(topics: Iterable<string>, events: BrokerEvents): void {
    if (this.#topics.size === 0) return; // the usual case, for each message
    const interrupted = [...topics].filter((topic) => this.#topics.delete(topic));
    if (interrupted.length > 0) events.gap(interrupted);
  }
}

import type { Subscriber } from '@websock/pubsub';

/** A mailbox without a connection, which keeps what is posted. */
export class TestMailbox<Info = unknown> implements Subscriber<Info> {
  readonly posted: Info[] = [];
  /** How many listeners `signal` has. */
  listeners = 0;
  waiting = 0;
  readonly #controller = new AbortController();
  readonly signal: AbortSignal = this.#counted(this.#controller.signal);
  #woken = () => {};

  readonly post = (info: Info): void => {
    this.posted.push(info);
    this.#woken();
  };

  /** Ends the connection. */
  end(): void {
    this.#controller.abort();
  }

  /** Waits until something that was posted passes. */
  async has(passes: (info: Info) => boolean): Promise<void> {
    while (!this.posted.some(passes)) {
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
  }

  #counted(signal: AbortSignal): AbortSignal {
    const { addEventListener, removeEventListener } = signal;
    return Object.assign(signal, {
      addEventListener: (...args: Parameters<AbortSignal['addEventListener']>) => {
        this.listeners += 1;
        addEventListener.apply(signal, args);
      },
      removeEventListener: (...args: Parameters<AbortSignal['removeEventListener']>) => {
        this.listeners -= 1;
        removeEventListener.apply(signal, args);
      },
    });
  }
}

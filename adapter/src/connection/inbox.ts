import type { WebSock } from '@websock/spec';

/** An event that waits for its callback. */
export type QueuedEvent<Info> = { next: QueuedEvent<Info> | undefined } & (
  | { readonly callback: 'handleIn'; readonly value: WebSock.DataFrame }
  | { readonly callback: 'handleControl'; readonly value: WebSock.ControlFrame }
  | { readonly callback: 'handleInfo'; readonly value: Info }
);

/** The events of a connection that wait for their callbacks: a linked list, so that any length costs the same. */
export class Inbox<Info> {
  /** Frames in the queue. */
  frames = 0;
  /** Bytes of those frames. */
  bytes = 0;
  /** Posted messages in the queue. */
  infos = 0;
  #first: QueuedEvent<Info> | undefined;
  #last: QueuedEvent<Info> | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  pushData(value: WebSock.DataFrame): void {
    this.#pushFrame({ callback: 'handleIn', value, next: undefined });
  }

  pushControl(value: WebSock.ControlFrame): void {
    this.#pushFrame({ callback: 'handleControl', value, next: undefined });
  }

  pushInfo(value: Info): void {
    this.infos += 1;
    this.#push({ callback: 'handleInfo', value, next: undefined });
  }

  /** Removes the oldest event and returns it; `undefined` if there is none. */
  shift(): QueuedEvent<Info> | undefined {
    const event = this.#first;
    if (!event) return undefined;
    this.#first = event.next;
    if (!event.next) this.#last = undefined;
    event.next = undefined; // or an old event would keep later ones in memory
    if (event.callback === 'handleInfo') this.infos -= 1;
    else {
      this.frames -= 1;
      this.bytes -= event.value.data.length;
    }
    return event;
  }

  clear(): void {
    this.#first = undefined;
    this.#last = undefined;
    this.frames = 0;
    this.bytes = 0;
    this.infos = 0;
  }

  #pushFrame(event: Exclude<QueuedEvent<Info>, { readonly callback: 'handleInfo' }>): void {
    this.frames += 1;
    this.bytes += event.value.data.length;
    this.#push(event);
  }

  #push(event: QueuedEvent<Info>): void {
    if (this.#last) this.#last.next = event;
    else this.#first = event;
    this.#last = event;
  }
}

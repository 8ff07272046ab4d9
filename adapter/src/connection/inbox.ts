import type { WebSock } from '@websock/spec';
import type { CheckedBounds } from '../options.ts';

// How much to buffer during a pending callback before reading pauses; pausing costs more than buffering a few frames.
const MAX_FRAMES_WHILE_PENDING = 16;
const MAX_BYTES_WHILE_PENDING = 65_536;

/** An event in the queue, with the callback that handles it. */
export type QueuedEvent<Info> = { next: QueuedEvent<Info> | undefined } & (
  | { readonly callback: 'handleIn'; readonly value: WebSock.DataFrame }
  | { readonly callback: 'handleControl'; readonly value: WebSock.ControlFrame }
  | { readonly callback: 'handleInfo'; readonly value: Info }
);

/** The queue of a connection's events: a linked list, so that its operations take the same time at any length. */
export class Inbox<Info> {
  /** The number of frames in the queue. */
  frames = 0;
  /** The size of those frames, in bytes. */
  bytes = 0;
  /** The number of posted messages in the queue. */
  infos = 0;
  #first: QueuedEvent<Info> | undefined;
  #last: QueuedEvent<Info> | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Whether reading should pause while a callback is pending (rule 5.1). */
  get shouldPauseReading(): boolean {
    return this.frames >= MAX_FRAMES_WHILE_PENDING || this.bytes >= MAX_BYTES_WHILE_PENDING;
  }

  /**
   * Returns an error if the queue is too full for another frame. Pausing alone does not limit it: data that has already been
   * read may contain any number of messages, of any size once inflated.
   */
  overflow({ maxHeldBytes, maxHeldMessages }: CheckedBounds, canPause: boolean): Error | undefined {
    if (this.bytes < maxHeldBytes && (canPause || this.frames < maxHeldMessages)) return undefined;
    const queued = `${this.frames} messages of ${this.bytes} bytes`;
    return new Error(`the client sent more while ${queued} were queued for the handler (rule 5.1)`);
  }

  push(callback: QueuedEvent<Info>['callback'], value: QueuedEvent<Info>['value']): void {
    const event = { callback, value, next: undefined } as QueuedEvent<Info>;
    if (event.callback === 'handleInfo') this.infos += 1;
    else {
      this.frames += 1;
      this.bytes += event.value.data.length;
    }
    if (this.#last) this.#last.next = event;
    else this.#first = event;
    this.#last = event;
  }

  /** Removes the oldest event and returns it; `undefined` if there is none. */
  shift(): QueuedEvent<Info> | undefined {
    const event = this.#first;
    if (!event) return undefined;
    this.#first = event.next;
    if (!event.next) this.#last = undefined;
    event.next = undefined; // otherwise this event would keep later ones in memory
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
}

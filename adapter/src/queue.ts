/** A first-in, first-out queue whose operations cost the same however long it is. */
export class Queue<Item> {
  // Items are taken from `#front` by position, and added to `#back`: nothing is ever moved within an array.
  #front: (Item | undefined)[] = [];
  #position = 0;
  #back: Item[] = [];

  get length(): number {
    return this.#front.length - this.#position + this.#back.length;
  }

  push(item: Item): void {
    this.#back.push(item);
  }

  /** Removes the oldest item and returns it; `undefined` if there is none. */
  shift(): Item | undefined {
    if (this.#position === this.#front.length) {
      if (this.#back.length === 0) return undefined;
      this.#front = this.#back;
      this.#back = [];
      this.#position = 0;
    }
    const item = this.#front[this.#position];
    this.#front[this.#position] = undefined; // may be collected
    this.#position += 1;
    return item;
  }
}

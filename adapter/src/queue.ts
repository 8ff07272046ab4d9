/** A first-in, first-out queue of items that know the next one: all operations cost the same however long it is. */
export class Queue<Item extends { next?: Item | undefined }> {
  length = 0;
  #first: Item | undefined;
  #last: Item | undefined;

  push(item: Item): void {
    if (this.#last) this.#last.next = item;
    else this.#first = item;
    this.#last = item;
    this.length += 1;
  }

  /** Removes the oldest item and returns it; `undefined` if there is none. */
  shift(): Item | undefined {
    const item = this.#first;
    if (!item) return undefined;
    this.#first = item.next;
    if (!item.next) this.#last = undefined;
    item.next = undefined; // or an old item would keep those behind it in memory
    this.length -= 1;
    return item;
  }
}

// A schema with a query, a mutation and subscriptions: users send texts to all who subscribe.

import { buildSchema } from 'graphql';

export interface Visitor {
  user?: string | undefined;
}

export const schema = buildSchema(`
  type Query {
    whoami: String!
    listeners: Int!
  }
  type Mutation {
    say(text: String!): Int!
  }
  type Subscription {
    said: String!
    countdown(from: Int!): Int!
  }
`);

/** Sends each value to all listeners. Unlike a generator's, `return` of the iterator ends a pending `next`. */
class Topic<T> {
  readonly #listeners = new Set<(value: T) => void>();

  get size(): number {
    return this.#listeners.size;
  }

  /** Returns the number of listeners. */
  publish(value: T): number {
    for (const listener of this.#listeners) listener(value);
    return this.size;
  }

  listen(): AsyncIterableIterator<T> {
    const values: T[] = [];
    let over = false;
    let wake = () => {};
    const listener = (value: T) => {
      values.push(value);
      wake();
    };
    this.#listeners.add(listener);
    return {
      next: async () => {
        while (!over && values.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        return over ? { done: true, value: undefined } : { done: false, value: values.shift() as T };
      },
      return: async () => {
        over = true;
        this.#listeners.delete(listener);
        wake();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

const said = new Topic<{ readonly said: string }>();

export const roots = {
  query: {
    whoami: (_args: unknown, { user }: Visitor) => user,
    listeners: () => said.size,
  },
  mutation: {
    say: ({ text }: { text: string }, { user }: Visitor) => said.publish({ said: `${user}: ${text}` }),
  },
  subscription: {
    said: () => said.listen(),
    async *countdown({ from }: { from: number }) {
      for (let countdown = from; countdown >= 0; countdown--) yield { countdown };
    },
  },
};

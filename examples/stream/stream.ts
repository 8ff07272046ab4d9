// Sends the answer of an upstream to each question, token by token.

import type { WebSock } from '@websock/spec';

interface Asker {
  readonly mailbox: WebSock.Mailbox<Answer>;
  readonly upstream: string;
  readonly answer: Answer | undefined;
}

/** What is left of an answer. Posting it asks for its next token. */
type Answer = ReadableStreamDefaultReader<string>;

const text = (data: string) => ({ opcode: 'text', data }) as const;

export const asker = {
  init: (upstream, mailbox) => ({ type: 'ok', state: { upstream, mailbox, answer: undefined } }),

  async handleIn(frame, state) {
    await state.answer?.cancel();
    if (frame.data === 'stop')
      return { type: 'push', messages: text('stopped'), state: { ...state, answer: undefined } };

    const { signal } = state.mailbox; // when the client leaves, the upstream stops working for it
    const body = frame.opcode === 'text' ? frame.data : '';
    const response = await fetch(state.upstream, { method: 'POST', body, signal });
    if (!response.ok || !response.body) return { type: 'push', messages: text('no answer'), state };
    const answer = response.body.pipeThrough(new TextDecoderStream()).getReader();
    state.mailbox.post(answer);
    return { type: 'ok', state: { ...state, answer } };
  },

  // is called only while the client reads: so a slow client slows the upstream
  async handleInfo(answer, state) {
    if (answer !== state.answer) return { type: 'ok', state }; // of a question that has been replaced
    const { done, value } = await answer.read();
    if (done) return { type: 'push', messages: text('the end'), state: { ...state, answer: undefined } };
    state.mailbox.post(answer);
    return { type: 'push', messages: text(value), state };
  },
} satisfies WebSock<Asker, Answer, string>;

// Asks the client. The answer arrives as the next frame, so the state says what was asked.

import type { WebSock } from '@websock/spec';

type Booking = { readonly asked: 'name' } | { readonly asked: 'date'; readonly name: string };

const text = (data: string) => ({ opcode: 'text' as const, data });

export const booking = {
  init: (): WebSock.Push<Booking> => ({ type: 'push', messages: text('your name?'), state: { asked: 'name' } }),
  handleIn(frame, state): WebSock.HandleResult<Booking> {
    const answer = String(frame.data);
    if (state.asked === 'name')
      return { type: 'push', messages: text('which day?'), state: { asked: 'date', name: answer } };
    return { type: 'stop', messages: text(`booked for ${state.name} on ${answer}`), state };
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<Booking>;

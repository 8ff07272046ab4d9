import { CLOSE, CONTINUATION, frame, TEXT } from '../raw-client.ts';
import { testsOf, violates } from './common.ts';

export default testsOf(
  '4.3h',
  (
    [
      ['text that is not UTF-8', [frame(TEXT, Buffer.of(0xff))]],
      ['text with an encoded surrogate', [frame(TEXT, Buffer.of(0xed, 0xa0, 0x80))]],
      ['text with an overlong encoding', [frame(TEXT, Buffer.of(0xc0, 0xaf))]],
      ['text that ends in the middle of a character', [frame(TEXT, Buffer.of(0x61, 0xe2, 0x98))]],
      [
        'a long text that is not UTF-8 only at its end',
        [frame(TEXT, Buffer.concat([Buffer.alloc(300_000, 'x'), Buffer.of(0xff)]))],
      ],
      [
        'fragmented text that is not UTF-8',
        [frame(TEXT, Buffer.of(0xc3), { fin: false }), frame(CONTINUATION, Buffer.of(0x28))],
      ],
      ['a close reason that is not UTF-8', [frame(CLOSE, Buffer.of(0x0f, 0xa0, 0xff))]],
    ] as [string, Buffer[]][]
  ).map(([what, frames]) => ({
    title: `${what} closes with 1007, and terminate receives an error`,
    needs: ['validatesUtf8', 'sendsProtocolErrorCodes'],
    run: (t) => violates(t, 1007, frames),
  })),
);

// Sends the output of a program, and reads no more of it than the client does.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { WebSock } from '@websock/spec';

export const terminal = {
  init(command, mailbox) {
    const program = spawn('sh', ['-c', command]);
    program.stdout.on('data', (output) => {
      program.stdout.pause(); // at most one piece of output is in the mailbox
      mailbox.post(output);
    });
    program.stderr.resume(); // is discarded
    program.stdin.on('error', () => {}); // the program has ended, and the client still writes
    program.on('error', (error) => mailbox.post(error)).on('close', () => mailbox.post('ended'));
    return { type: 'ok', state: program };
  },
  handleIn(frame, program) {
    program.stdin.write(frame.data);
    const isFull = program.stdin.writableLength > 1_000_000; // the program does not read it
    if (isFull) return { type: 'stop', close: { code: 1013 }, state: program };
    return { type: 'ok', state: program };
  },
  // is called only while at most `maxUnsentBytes` are unsent
  handleInfo(output, program) {
    if (output === 'ended') return { type: 'stop', state: program };
    if (output instanceof Error) return { type: 'stop', reason: { error: output }, state: program };
    program.stdout.resume();
    return { type: 'push', messages: { opcode: 'binary', data: output }, state: program };
  },
  terminate: (_reason, program) => program.kill(),
} satisfies WebSock<ChildProcessWithoutNullStreams, Buffer<ArrayBuffer> | Error | 'ended', string>;

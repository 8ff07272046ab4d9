// Frames, messages, results and close reasons are discriminated unions, and a switch over one can be exhaustive.

import type { WebSock } from '@websock/spec';
import { expectType } from 'tsd';

type Bytes = InstanceType<Uint8ArrayConstructor>;

export function ofFrame(frame: WebSock.DataFrame): number {
  switch (frame.opcode) {
    case 'text':
      expectType<string>(frame.data);
      return frame.data.length;
    case 'binary':
      expectType<Bytes>(frame.data);
      return frame.data.byteLength;
    default:
      return frame satisfies never;
  }
}

export function ofControlFrame(frame: WebSock.ControlFrame): number {
  switch (frame.opcode) {
    case 'ping':
    case 'pong':
      return frame.data.byteLength;
    default:
      return frame.opcode satisfies never;
  }
}

export function ofMessage(message: WebSock.Message): string {
  switch (message.opcode) {
    case 'text':
      expectType<string>(message.data);
      return message.data;
    case 'binary':
      expectType<ArrayBuffer | ArrayBufferView>(message.data);
      return '';
    case 'ping':
    case 'pong':
      return typeof message.data === 'string' ? message.data : '';
    default:
      return message satisfies never;
  }
}

export function ofResult(result: WebSock.HandleResult<number>): WebSock.Messages {
  switch (result.type) {
    case 'ok':
      expectType<WebSock.Ok<number>>(result);
      return [];
    case 'push':
      expectType<WebSock.Push<number>>(result);
      return result.messages;
    case 'reply':
      expectType<WebSock.Reply<number>>(result);
      expectType<unknown>(result.status);
      return result.messages;
    case 'stop':
      expectType<WebSock.Stop<number>>(result);
      expectType<WebSock.StopReason | undefined>(result.reason);
      return result.messages ?? [];
    default:
      return result satisfies never;
  }
}

export function ofCloseReason(reason: WebSock.CloseReason): string {
  // every close reason has a code and a reason, which can be read before `type` is tested
  expectType<number>(reason.code);
  expectType<string>(reason.reason);
  switch (reason.type) {
    case 'normal':
    case 'remote':
    case 'shutdown':
    case 'timeout':
      return reason.reason;
    case 'error':
      expectType<unknown>(reason.error);
      return String(reason.error);
    default:
      return reason satisfies never;
  }
}

export function ofStopReason(reason: WebSock.StopReason): unknown {
  if (typeof reason === 'object') return reason.error;
  switch (reason) {
    case 'normal':
    case 'restart':
      return reason;
    default:
      return reason satisfies never;
  }
}

import { limitConnections, limitMessages } from '@websock/adapter/limits';
import { accept, type NodePlatform } from '@websock/adapter/node';
import { counter } from './typed.ts';

const slowed = limitMessages(counter, { perSecond: 10, burst: 20, over: 'wait' }); // or 'stop': 1008

export const route = limitConnections((_request: Request, _platform: NodePlatform) => accept(slowed), {
  key: (_request, { request }) => request.socket.remoteAddress ?? '',
  max: 5, // others are answered with 429
});

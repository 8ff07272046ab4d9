// Fastify: attaches the route to its node:http server.

import { attach } from '@websock/adapter/node';
import fastify from 'fastify';
import { route } from './authorise.ts';

export const app = fastify();
app.get('/health', () => 'ok');

const { shutdown } = attach(app.server, route);
app.addHook('preClose', () => shutdown()); // app.close() waits for it

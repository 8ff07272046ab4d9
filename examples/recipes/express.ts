// Express: attaches the route to its node:http server.

import { createServer } from 'node:http';
import { attach } from '@websock/adapter/node';
import express from 'express';
import { route } from './authorise.ts';

const app = express();
app.get('/health', (_request, response) => {
  response.send('ok');
});

export const server = createServer(app);
export const { shutdown } = attach(server, route);

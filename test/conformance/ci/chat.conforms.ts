import type { Assert, HandlerConforms } from '@websock/spec/conformance';
import type { chat } from './chat.js';

export type ChatConforms = Assert<HandlerConforms<typeof chat>>;

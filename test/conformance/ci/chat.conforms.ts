import type { Assert, HandlerConforms } from '@websock/spec/conformance';
import type { chat } from './chat.js'; // your handler, in chat.ts

export type ChatConforms = Assert<HandlerConforms<typeof chat>>;

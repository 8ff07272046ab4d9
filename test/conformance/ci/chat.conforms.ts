import type { Assert, HandlerConforms } from '@websock/spec/conformance';
import type { chat } from './chat';

export type ChatConforms = Assert<HandlerConforms<typeof chat>>;

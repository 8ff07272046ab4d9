import type { HandlerConforms } from '@websock/spec/conformance';
import { expectType } from 'tsd';
import type { chat } from './chat.js';

expectType<true>(null as unknown as HandlerConforms<typeof chat>);

import type { HandlerConforms } from '@websock/spec/conformance';
import { assertType, test } from 'vitest';
import type { chat } from './chat.js';

test('chat conforms', () => assertType<true>(null as unknown as HandlerConforms<typeof chat>));

import { BINARY, frame } from '../raw-client.ts';
import { MEGABYTE, overflowsFrames, testsOf } from './common.ts';

export default testsOf('4.3m', [overflowsFrames('large messages', frame(BINARY, Buffer.alloc(MEGABYTE)))]);

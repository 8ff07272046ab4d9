// The worker of hibernation.application.ts, with a class that extends `DurableObject`.

// @ts-expect-error: a module of workerd, whose types would change the globals of all tests
import { DurableObject } from 'cloudflare:workers';
import { hostOn } from './hibernation.application.ts';

export const host = () => hostOn(DurableObject);

// The probe as an application for the hosts of the adapter.

import { route } from '@websock/tck/probe';
import type { Application } from '../toolkit/hosts/application.ts';

export default (({ url, cannot }) => route(url, cannot)) satisfies Application;

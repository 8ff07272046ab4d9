// The probe as an application: `/probe?id=ID&on=JSON` with the connection options beside them, and `/control`.

import { type Application, service } from '../servers/application.ts';
import { control, probe } from './probe.ts';

export const application: Application = ({ url, limits }) => {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  if (pathname === '/control') return service(control, { limits: limits ?? {} }, { timeout: Number.POSITIVE_INFINITY });
  if (pathname !== '/probe') return undefined;
  const options = JSON.parse(searchParams.get('options') ?? '{}');
  const on = JSON.parse(searchParams.get('on') ?? '{}');
  return service(probe, { id: searchParams.get('id') ?? '', on }, options);
};

export default application;

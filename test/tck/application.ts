// The probe as an application: `/probe?id=ID&on=JSON` with the connection options beside them, and `/control`.

import { control, probe } from '../../tck/src/probe.ts';
import { type Application, type Opening, type Service, service } from '../toolkit/hosts/application.ts';

/** By its name too, for a host that is an ES module: there the default export would be `.default.default`. */
export function application({ url, limits = {} }: Pick<Opening, 'url' | 'limits'>): Service | undefined {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  if (pathname === '/control') return service(control, { limits }, { timeout: Number.POSITIVE_INFINITY });
  if (pathname !== '/probe') return undefined;
  const options = JSON.parse(searchParams.get('options') ?? '{}');
  const on = JSON.parse(searchParams.get('on') ?? '{}');
  return service(probe, { id: searchParams.get('id') ?? '', on }, options);
}

export default application satisfies Application;

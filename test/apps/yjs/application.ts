// The Yjs handler as an application: the path is the document, and who edits it shows a token in the query.

import { type Application, service } from '../../toolkit/hosts/application.ts';
import { yjs } from './yjs.ts';

const tokens = new Set<string | null>(['a-token', 'b-token', 'c-token']);

const handler = yjs();

const application: Application = ({ url }) => {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  return service(handler, { document: pathname.slice(1), mayEdit: tokens.has(searchParams.get('token')) });
};

export default application;

// Serves the Yjs handler: the path is the document; a token in the query of the URL allows editing.

import { accept, type Route } from '@websock/adapter';
import { yjs } from './yjs.ts';

const tokens = new Set<string | null>(['a-token', 'b-token', 'c-token']);

const handler = yjs();

export const route: Route = ({ url }) => {
  const { pathname, searchParams } = new URL(url);
  return accept(handler, { document: pathname.slice(1), mayEdit: tokens.has(searchParams.get('token')) });
};

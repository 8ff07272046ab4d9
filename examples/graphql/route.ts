// Serves the schema over GraphQL. A client authenticates with a token, in the query of the URL or in its connection_init.

import { accept, type Route } from '@websock/adapter';
import { GraphQLError, parse } from 'graphql';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL as protocol } from 'graphql-ws';
import { graphql } from './graphql.ts';
import { roots, schema, type Visitor } from './schema.ts';

const users = new Map<unknown, string>([
  ['a-token', 'alice'],
  ['b-token', 'bob'],
  ['c-token', 'carol'],
]);

const handler = graphql<Visitor>({
  schema,
  roots,
  context: ({ extra }) => extra,
  onConnect({ extra, connectionParams }) {
    const { token } = connectionParams ?? {};
    extra.user ??= users.get(token);
    return extra.user !== undefined; // otherwise 4403
  },
  // graphql-ws would close with 4500 for a query with a syntax error; this sends the error to the client instead.
  onSubscribe(_context, _id, { query }) {
    try {
      parse(query);
      return undefined;
    } catch (error) {
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
  },
});

export const route: Route = ({ url, headers }) => {
  const token = new URL(url).searchParams.get('token');
  const offered = (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  const agreed = offered.includes(protocol) ? protocol : '';
  return accept(handler, { protocol: agreed, extra: { user: users.get(token) } }, { protocol });
};

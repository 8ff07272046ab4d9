// The GraphQL handler as an application. Who connects shows a token, in the query or in its connection_init.

import { GraphQLError, parse } from 'graphql';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL as protocol } from 'graphql-ws';
import { type Application, service } from '../../toolkit/hosts/application.ts';
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
  // The core calls it a fault of the server's when a query cannot be parsed. It is the client's, who is told so.
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

const application: Application = ({ url, protocols }) => {
  const token = new URL(url, 'ws://host').searchParams.get('token');
  const agreed = protocols.includes(protocol) ? protocol : '';
  return service(handler, { protocol: agreed, extra: { user: users.get(token) } }, { protocol });
};

export default application;

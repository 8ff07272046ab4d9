// The chat handler as an application: the path is the room, and `name` in the query is who enters it.

import { type Application, service } from '../../toolkit/hosts/application.ts';
import { chat, localRooms } from './chat.ts';

const handler = chat(localRooms());

const application: Application = ({ url }) => {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  return service(handler, { room: pathname.slice(1), name: searchParams.get('name') ?? 'nobody' });
};

export default application;

// The echo handler on every path.

import { echo } from '../handlers/echo.ts';
import { type Application, service } from '../servers/application.ts';

const application: Application = () => service(echo, undefined);

export default application;

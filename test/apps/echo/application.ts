// The echo handler on every path.

import { type Application, service } from '../../toolkit/hosts/application.ts';
import { echo } from './echo.ts';

const application: Application = () => service(echo, undefined);

export default application;

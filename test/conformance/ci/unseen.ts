// Two mistakes that the types cannot detect; eslint.config.mjs does.

import type { WebSock } from '@websock/spec';

class Log implements WebSock<undefined> {
  async write(_text: string): Promise<void> {}
  init(): WebSock.Ok<undefined> {
    return { type: 'ok', state: undefined };
  }
  handleIn(frame: WebSock.DataFrame): WebSock.Ok<undefined> {
    // refused: @typescript-eslint/no-floating-promises
    this.write(String(frame.data));
    return { type: 'ok', state: undefined };
  }
  handleInfo(): WebSock.Ok<undefined> {
    return { type: 'ok', state: undefined };
  }
}

// refused: @typescript-eslint/unbound-method
export const handleIn: WebSock<undefined>['handleIn'] = new Log().handleIn;

// What a platform cannot do, and why. A test of a rule that needs it is skipped, with the reason.

export const LIMITS = [
  // 1.5
  'refuse HTTP/1.0',
  // 2.7, 4.3: what the options ask for
  'validateUtf8: true',
  'validateUtf8: false',
  'compress: true',
  'large maxFrameSize',
  // 2.8, 3.2
  'control frames in',
  'control frames out',
  // 4.3: codes that are sent, what the client did wrong, and what counts for the clock
  'protocol error codes',
  'refuse unmasked frames',
  'refuse long control frames',
  'refuse short close frames',
  'remote 1014',
  'timeout counts control frames',
  'timeout counts parts of messages',
  // 4.5: a socket can be ended without the client
  'drop',
  // 5.1: reading can be stopped
  'pause',
  // 5.2: how much waits to be sent is known
  'backlog',
  // what a connection took is free again after it
  'memory',
  // 4.3: the suite can ask the server to go down, because it has started it
  'shutdown',
  // 4.4: the suite sees what the server reports, because it has started it
  'reports',
] as const;

export type Limit = (typeof LIMITS)[number];

export type Limits = { readonly [Name in Limit]?: string };

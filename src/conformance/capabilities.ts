// What a platform may be unable to do. The texts are in `CAPABILITIES` of @websock/tck.

/**
 * The name of something that SPEC.md asks of a server, and that a platform may make impossible. The README of
 * `@websock/tck` has a table of them: the rules that each belongs to, and what a user of a server without it must expect.
 */
export type Capability =
  | 'rejectsHttp10'
  | 'setsHeaders'
  | 'keepsEarlyFrames'
  | 'returnsThenables'
  | 'validatesUtf8'
  | 'canSkipUtf8Validation'
  | 'overwritesFrames'
  | 'compresses'
  | 'largeMessages'
  | 'receivesControlFrames'
  | 'sendsControlFrames'
  | 'pingsByItself'
  | 'idleTimeoutByDefault'
  | 'sendsProtocolErrorCodes'
  | 'sendsInflationErrorCode'
  | 'rejectsUnmaskedFrames'
  | 'rejectsLongControlFrames'
  | 'rejectsShortCloseFrames'
  | 'seesCloseFrames'
  | 'reportsRemote1014'
  | 'idleCountsControlFrames'
  | 'idleCountsFragments'
  | 'dropsSockets'
  | 'pausesReading'
  | 'knowsBacklog'
  | 'seesSendProgress'
  | 'suspends'
  | 'reportsMemory';

/**
 * What a server declares that it cannot do, each with the reason: `{ pausesReading: 'Deno has no way to stop reading' }`.
 * A capability that is absent is one that the server has.
 */
export type Cannot = { readonly [Name in Capability]?: string };

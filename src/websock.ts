// WebSock for TypeScript: the whole contract. Types only; read it from top to bottom.
// Rule numbers (2.1, 4.3, …) refer to SPEC.md.

/** Bytes from the client. `Uint8Array<ArrayBuffer>` on TypeScript 5.7 and later, `Uint8Array` before. */
type Bytes = InstanceType<Uint8ArrayConstructor>;

/** What a promise has beside its value. */
// That a promise has no `type` lets the compiler tell it from a result, and report the result that was meant.
interface NotAResult {
  /** A result has a type; a promise has none. */
  readonly type?: undefined;
}

/** A promise of a value, or any other thenable. */
// Costs the compiler a third of what a `PromiseLike` does. With two signatures it takes the type parameters of a promise's
// `then` as `any`, where for one it would infer them; and nothing is compared with a result of `any`. What is awaited is
// inferred from the last. Not a method, whose parameters would be compared both ways; and with `?` and `null`, as a
// promise has, so that even without `strictFunctionTypes` its value is compared one way.
interface Promised<T> extends NotAResult {
  /** Calls back with the value. */
  readonly then: {
    (): any;
    (onfulfilled?: ((value: T) => unknown) | null): any;
  };
}

/**
 * A WebSocket handler: one object that serves any number of connections, on any server that implements this contract.
 *
 * Each connection has a state of its own. Every callback receives that state and returns a
 * {@link WebSock.HandleResult} with the next one, synchronously or as a promise. The callbacks of one connection never
 * overlap (rule 2.1). The numbered rules are in SPEC.md, which is part of the package.
 *
 * @typeParam State - what the handler remembers about one connection, from one callback to the next
 * @typeParam Info - what the rest of the program may post to a connection's mailbox, for `handleInfo`. Defaults to
 * `unknown`
 * @typeParam Arg - what the application passes to the upgrade, for `init`. Defaults to `undefined`: nothing
 */
export interface WebSock<State, Info = unknown, Arg = undefined> {
  /**
   * Called once per connection, when its handshake is complete and before anything else (rule 1.1).
   *
   * The result is applied as for {@link WebSock.handleIn}, and gives the connection its first state. What arrives
   * before that waits, in order (rule 1.2).
   *
   * A throw, a rejection or an invalid result means that there is no state: the connection closes with 1011 and
   * `terminate` is not called (rule 1.4).
   *
   * @param arg - what the application passed to the upgrade
   * @param mailbox - how the rest of the program reaches this connection's `handleInfo`; keep it wherever it is needed
   */
  readonly init: (arg: Arg, mailbox: WebSock.Mailbox<Info>) => WebSock.Awaitable<WebSock.HandleResult<State>>;

  /**
   * Called with each whole text or binary message from the client, never with a fragment of one (rule 2.3).
   *
   * - `ok`: the connection goes on with the given state (rule 3.1)
   * - `push`: the messages are sent in order, then the connection goes on with the given state (rule 3.2)
   * - `reply`: the same as `push`; `status` means nothing to the server (rule 3.3)
   * - `stop`: the messages, if any, are sent, then the connection is closed (rules 3.4 and 4.3)
   *
   * A throw, a rejection or an invalid result closes the connection with 1011, and `terminate` receives the error
   * (rules 3.6 and 4.3).
   *
   * @param frame - a text frame, whose `data` is a string, or a binary frame, whose `data` is bytes that are the
   * handler's to keep (rule 2.7)
   * @param state - the same value that the previous callback returned, not a copy (rule 2.4)
   */
  readonly handleIn: (frame: WebSock.DataFrame, state: State) => WebSock.Awaitable<WebSock.HandleResult<State>>;

  /**
   * Optional. Called with each ping or pong from the client.
   *
   * The server has answered a ping before this is called, so do not send a pong for it. Close frames never come
   * here: see `terminate`. A server whose platform hides control frames never calls this, and says so (rule 2.8).
   *
   * The result is applied, and a throw treated, as for {@link WebSock.handleIn}.
   *
   * @param frame - the ping or pong, with 0 to 125 bytes of data
   * @param state - the same value that the previous callback returned, not a copy (rule 2.4)
   */
  readonly handleControl?:
    | ((frame: WebSock.ControlFrame, state: State) => WebSock.Awaitable<WebSock.HandleResult<State>>)
    | undefined;

  /**
   * Called once with each info that was posted to the connection's mailbox, while the connection lives (rule 2.9).
   *
   * The result is applied, and a throw treated, as for {@link WebSock.handleIn}.
   *
   * @param info - what was posted
   * @param state - the same value that the previous callback returned, not a copy (rule 2.4)
   */
  readonly handleInfo: (info: Info, state: State) => WebSock.Awaitable<WebSock.HandleResult<State>>;

  /**
   * Optional. Called exactly once for every connection whose `init` returned a result, when the connection is over and
   * its last callback has settled (rule 4.1). The place to release what the connection held.
   *
   * The result is ignored; a promise is awaited. A throw or a rejection is reported by the server and harms nothing
   * else (rule 4.4).
   *
   * @param reason - why the connection is over
   * @param state - the last state
   */
  readonly terminate?: ((reason: WebSock.CloseReason, state: State) => unknown) | undefined;
}

/** The types of all that handlers and servers give to each other: frames, messages, results, reasons, options. */
export declare namespace WebSock {
  /** A value, or a promise of it: a `Promise`, or any other thenable. */
  // All promises are `Promised`, and the compiler needs no more to accept a right one. A wrong one it explains by its value,
  // because `Promise` and `PromiseLike` are named.
  type Awaitable<T> = T | Promised<T> | (Promise<T> & NotAResult) | (PromiseLike<T> & NotAResult);

  // ---- Frames: what comes from the client ----

  /** The kinds of data frame (RFC 6455 §5.6). */
  type DataOpcode = 'text' | 'binary';

  /** The kinds of control frame that a handler receives (RFC 6455 §5.5.2 and §5.5.3). */
  type ControlOpcode = 'ping' | 'pong';

  /** Every kind of frame that a handler receives. Close frames are the server's business. */
  type Opcode = DataOpcode | ControlOpcode;

  /**
   * A whole text or binary message from the client; test `opcode` to learn which. At most
   * {@link WebSock.ConnectionOptions.maxMessageSize} bytes long (rule 2.3).
   */
  type DataFrame = TextFrame | BinaryFrame;

  /** A whole text message from the client. */
  interface TextFrame {
    /** What `data` is; test it first. */
    readonly opcode: 'text';
    /** The text, decoded from UTF-8. */
    readonly data: string;
  }

  /** A whole binary message from the client. */
  interface BinaryFrame {
    /** What `data` is; test it first. */
    readonly opcode: 'binary';
    /** The bytes. They are the handler's: the server neither writes to them nor reuses them (rule 2.7). */
    readonly data: Bytes;
  }

  /** A ping or pong from the client. */
  interface ControlFrame {
    /** Which of the two it is. */
    readonly opcode: ControlOpcode;
    /** 0 to 125 bytes (RFC 6455 §5.5), the handler's to keep (rule 2.7). */
    readonly data: Bytes;
  }

  // ---- Messages: what goes to the client ----

  /** One message to the client. From then on, neither the handler nor the server modifies its bytes (rule 2.7). */
  // Interfaces, not aliases: the compiler reuses them, but instantiates anonymous object types again for every handler.
  // Text last: see HandleResult.
  type Message = ControlMessage | BinaryMessage | TextMessage;

  /** A text message to the client. */
  interface TextMessage {
    /** `'text'`, for a string. */
    readonly opcode: 'text';
    /** The text; it is sent as UTF-8. */
    readonly data: string;
  }

  /** A binary message to the client. */
  interface BinaryMessage {
    /** `'binary'`, for bytes. */
    readonly opcode: 'binary';
    /** The bytes: an `ArrayBuffer`, or any view of one. */
    readonly data: ArrayBuffer | ArrayBufferView;
  }

  /** A ping, which the client answers, or an unasked pong. Pings from the client have been answered already. */
  interface ControlMessage {
    /** `'ping'` or `'pong'`. */
    readonly opcode: ControlOpcode;
    /** At most 125 bytes; a string is sent as UTF-8. Default: none. More is an error (rule 3.6). */
    // `'' | (string & {})` is `string`, but keeps a literal's own type, so that its length can be checked.
    readonly data?: '' | (string & {}) | ArrayBuffer | ArrayBufferView | undefined;
  }

  /** One message, or a list of them to be sent in order. An empty list sends nothing (rule 3.5). */
  // A list of an alias, `readonly Message[]`, would be instantiated again for every handler.
  type Messages = Message | readonly (ControlMessage | BinaryMessage | TextMessage)[];

  // ---- Results: what a callback returns ----

  /** What every callback but `terminate` returns; told apart by `type`. */
  // Most common last: when a value matches no member, compilers before 7.0 report the mismatch with the last one.
  type HandleResult<State> = Stop<State> | Reply<State> | Push<State> | Ok<State>;

  // Each result names the properties of the others as `undefined`. So a property in the wrong place is an error where
  // it is written, and a server may read `result.messages` without looking at `type` first.

  /** Go on with this state, and send nothing (rule 3.1). To send messages, return a {@link WebSock.Push}. */
  interface Ok<State> {
    /** Go on. */
    readonly type: 'ok';
    /** The connection's next state. */
    readonly state: State;
    /** Only a reply has a status. */
    readonly status?: undefined;
    /** To send messages, return a push. */
    readonly messages?: undefined;
    /** Only a stop has a reason. */
    readonly reason?: undefined;
    /** To close the connection, return a stop. */
    readonly close?: undefined;
  }

  /** Send messages, then go on with this state (rule 3.2). */
  interface Push<State> {
    /** Send and go on. */
    readonly type: 'push';
    /** What to send, in order, before the next callback begins. */
    readonly messages: Messages;
    /** The connection's next state. */
    readonly state: State;
    /** Only a reply has a status. */
    readonly status?: undefined;
    /** Only a stop has a reason. */
    readonly reason?: undefined;
    /** To close the connection, return a stop, which may have messages too. */
    readonly close?: undefined;
  }

  /** The same as {@link WebSock.Push}, for handlers that distinguish replies from pushes themselves (rule 3.3). */
  interface Reply<State> {
    /** Send and go on. */
    readonly type: 'reply';
    /** Anything: for the handler's own tests and wrappers. The server ignores it and does not send it. */
    readonly status?: unknown;
    /** What to send, in order, before the next callback begins. */
    readonly messages: Messages;
    /** The connection's next state. */
    readonly state: State;
    /** Only a stop has a reason. */
    readonly reason?: undefined;
    /** To close the connection, return a stop, which may have messages too. */
    readonly close?: undefined;
  }

  /** Send messages, if there are any, then close the connection (rule 3.4). No callback but `terminate` follows. */
  interface Stop<State> {
    /** Close. */
    readonly type: 'stop';
    /**
     * Why. It decides the close code, unless `close` does, and the reason that `terminate` receives (rule 4.3).
     * Default: `'normal'`.
     */
    readonly reason?: StopReason | undefined;
    /** The last state, for `terminate`. */
    readonly state: State;
    /** The close code and reason to send instead of those that `reason` decides (rule 4.2). */
    readonly close?: CloseDetail | undefined;
    /** What to send before the close frame. Default: no messages. */
    readonly messages?: Messages | undefined;
    /** Only a reply has a status. */
    readonly status?: undefined;
    /** A close code goes in `close`: `{ code }`. */
    readonly code?: undefined;
    /** An error goes in `reason`: `{ error }`. */
    readonly error?: undefined;
  }

  // ---- Closing ----

  /**
   * Why a handler stops (rule 4.3).
   *
   * - `'normal'`: all is done; closes with 1000
   * - `'restart'`: the client should connect again; closes with 1012
   * - `{ error }`: something failed; closes with 1011. `terminate` receives the error, which may be any value, as with
   *   `throw`; it is never sent
   */
  type StopReason = 'normal' | 'restart' | { readonly error: unknown };

  /** The close frame that a handler wants sent. */
  interface CloseDetail {
    /** 1003 unsupported data, 1008 policy violation, 4000 to 4999 your own: see {@link WebSock.CloseCode}. */
    readonly code: CloseCode;
    /** At most 123 bytes of UTF-8; a longer one is cut at a character (rule 4.2). Default: empty. */
    // `'' | (string & {})` is `string`, but keeps a literal's own type, so that its length can be checked.
    readonly reason?: '' | (string & {}) | undefined;
  }

  /**
   * The close codes below 3000 that a server may send (rule 4.2; RFC 6455 §7.4 and the IANA registry):
   *
   * 1000 normal · 1001 going away · 1002 protocol error · 1003 unsupported data · 1007 invalid data · 1008 policy
   * violation · 1009 message too big · 1011 internal error · 1012 service restart · 1013 try again later ·
   * 1014 bad gateway
   */
  type StandardCloseCode = 1000 | 1001 | 1002 | 1003 | 1007 | 1008 | 1009 | 1011 | 1012 | 1013 | 1014;

  /**
   * A close code that a server may send (rule 4.2): a {@link WebSock.StandardCloseCode}, 3000 to 3999 for registered
   * libraries and protocols, or 4000 to 4999 for the application. Any other is an error and closes with 1011.
   */
  // `number & {}` is `number`, but keeps a literal's own type, so that it can be completed and checked.
  type CloseCode = StandardCloseCode | (number & {});

  /**
   * The reason that `terminate` receives (rule 4.3); test `type` to learn which.
   *
   * - `normal`: the handler stopped with `'normal'` or `'restart'`
   * - `remote`: the client closed the connection, or it dropped
   * - `shutdown`: the server is shutting down
   * - `timeout`: nothing came from the client for {@link WebSock.ConnectionOptions.idleTimeout} milliseconds
   * - `error`: a callback failed, the handler stopped with `{ error }`, or the client broke the protocol
   *
   * Each has the `code` and `reason` of the close frame: for `remote` the client's, otherwise the one that the server
   * sent. Without a close frame they are 1006 and `''` (RFC 6455 §7.1.5).
   */
  type CloseReason = NormalClose | RemoteClose | ShutdownClose | TimeoutClose | ErrorClose;

  /** The handler stopped with `'normal'` or `'restart'`. */
  interface NormalClose {
    /** The handler stopped with `'normal'` or `'restart'`. */
    readonly type: 'normal';
    /** The close code that was sent: 1000, 1012, or that of the handler's `close`. */
    readonly code: number;
    /** The close reason that was sent; `''` by default. */
    readonly reason: string;
  }

  /** The client closed the connection, or it dropped. */
  interface RemoteClose {
    /** The client closed the connection, or it dropped. */
    readonly type: 'remote';
    /** The client's close code; 1005 if its close frame had none, 1006 if the connection dropped without one. */
    readonly code: number;
    /** The client's close reason; `''` if it gave none. */
    readonly reason: string;
  }

  /** The server is shutting down. */
  interface ShutdownClose {
    /** The server is shutting down. */
    readonly type: 'shutdown';
    /** 1001. */
    readonly code: number;
    /** `''`. */
    readonly reason: string;
  }

  /** Nothing came from the client for `idleTimeout` milliseconds. */
  interface TimeoutClose {
    /** Nothing came from the client for `idleTimeout` milliseconds. */
    readonly type: 'timeout';
    /** 1002, or the code that the platform sent, if it has a clock of its own (rule 4.6). */
    readonly code: number;
    /** `''`. */
    readonly reason: string;
  }

  /** A callback failed, the handler stopped with `{ error }`, or the client broke the protocol. */
  interface ErrorClose {
    /** A callback failed, the handler stopped with `{ error }`, or the client broke the protocol. */
    readonly type: 'error';
    /** What was thrown, what the promise was rejected with, the `error` of a stop, or what the client did wrong. */
    readonly error: unknown;
    /** The close code that was sent; 1006 if the server dropped the client. */
    readonly code: number;
    /** The close reason that was sent; `''` by default. */
    readonly reason: string;
  }

  // ---- The world around a handler ----

  /** How the rest of the program reaches one connection: what is posted here comes to its `handleInfo`. */
  interface Mailbox<Info> {
    /**
     * Posts an info and returns immediately: `handleInfo` runs later (rule 6.2), in the order posted (rule 6.3). Never
     * throws; does nothing once the connection has ended (rule 6.1). May be detached: `const { post } = mailbox`
     * (rule 6.5).
     */
    readonly post: (info: Info) => void;
  }

  /** What an application may ask of the server for one connection. */
  interface ConnectionOptions {
    /**
     * Milliseconds without anything from the client, pings and pongs included, after which the server closes the
     * connection with 1002 (rule 4.3). Milliseconds, where Bun and Deno count seconds. At least 1; `Infinity` means
     * never. Default: 60 000, or none where the platform can neither ping nor show that it did (rule 4.6).
     */
    readonly idleTimeout?: number | undefined;
    /**
     * Whether the server pings a client that has been silent for half of `idleTimeout` (rule 4.6), so that one that only
     * listens stays connected, and one that is gone is noticed. Default: `true`.
     */
    readonly heartbeat?: boolean | undefined;
    /** Whether to compress messages when the client can (RFC 7692, permessage-deflate). Default: `false`. */
    readonly compress?: boolean | undefined;
    /**
     * The largest message to accept, in bytes, after reassembly and decompression. A larger one closes the connection
     * with 1009 (rule 4.3). A whole number, at least 1. Default: 10 000 000.
     */
    readonly maxMessageSize?: number | undefined;
    /**
     * Whether text that is not UTF-8 closes the connection with 1007. If `false`, malformed bytes reach the handler as
     * U+FFFD (rule 2.7). Default: `true`.
     */
    readonly validateUtf8?: boolean | undefined;
    /**
     * The subprotocol to answer with (RFC 6455 §1.9), such as `'graphql-transport-ws'`. The server sends it only if the
     * client offered it (rule 1.5). Default: none.
     */
    readonly protocol?: string | undefined;
    /**
     * Headers of the 101 response, such as `{ 'Set-Cookie': ['a=1', 'b=2'] }`. The names of the handshake itself
     * (`Connection`, `Upgrade`, `Sec-WebSocket-*`), `Content-Length` and `Transfer-Encoding` are errors, as are control
     * characters (rule 1.5). Default: none.
     */
    readonly headers?: { readonly [name: string]: string | readonly string[] } | undefined;
  }

  /**
   * The shape of a server's upgrade function, which turns a request into a connection that the handler serves.
   *
   * @typeParam UpgradeRequest - what the server needs to upgrade; each server documents what
   * @typeParam UpgradeResult - what its platform wants back. Defaults to `void`: nothing
   */
  interface Upgrade<UpgradeRequest, UpgradeResult = void> {
    /**
     * Accepts the request and serves the connection with the handler. A request that is not a valid upgrade is refused,
     * and reaches no callback (rule 1.5).
     *
     * @param request - the request to upgrade, with whatever the platform needs beside it
     * @param handler - serves this connection, and any number of others (rule 2.6)
     * @param arg - passed to `init` as it is
     * @param options - of this connection alone
     */
    <State, Info, Arg>(
      request: UpgradeRequest,
      handler: WebSock<State, Info, Arg>,
      arg: Arg,
      options?: ConnectionOptions,
    ): UpgradeResult;
  }

  /**
   * A handler of any state, info and arg: for code that stores handlers of different types. Every
   * `WebSock<State, Info, Arg>` is assignable to it, except one whose `State` is `never`, which no connection can have.
   */
  // Two methods, because methods are compared both ways: so a handler that accepts no info or arg at all (`never`) fits.
  interface Any extends WebSock<any, any, any> {
    /** See {@link WebSock.init}. */
    init(arg: any, mailbox: Mailbox<any>): Awaitable<HandleResult<any>>;
    /** See {@link WebSock.handleInfo}. */
    handleInfo(info: any, state: any): Awaitable<HandleResult<any>>;
  }

  /** The state of a handler type: `StateOf<WebSock<State, Info, Arg>>` is `State`. */
  type StateOf<Handler extends Any> = Handler extends WebSock<infer State, infer _Info, infer _Arg> ? State : never;

  /** What may be posted to a handler type: `InfoOf<WebSock<State, Info, Arg>>` is `Info`. */
  type InfoOf<Handler extends Any> = Parameters<Handler['handleInfo']>[0];

  /** What the `init` of a handler type receives: `ArgOf<WebSock<State, Info, Arg>>` is `Arg`. */
  type ArgOf<Handler extends Any> = Parameters<Handler['init']>[0];
}

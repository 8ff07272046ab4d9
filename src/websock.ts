// WebSock for TypeScript: the whole contract. Types only.
// Rule numbers (2.1, 4.3, …) refer to SPEC.md.

/** Bytes from the client. `Uint8Array<ArrayBuffer>` on TypeScript 5.7 and later, `Uint8Array` before. */
type Bytes = InstanceType<Uint8ArrayConstructor>;

/** A promise, as opposed to a result. */
// Without a `type`, the compiler cannot mistake a promise for a result, and its errors describe the intended result.
interface NotAResult {
  /** A result has a type; a promise has none. */
  readonly type?: undefined;
}

/** A promise of a value, or any other thenable. */
// A third of the compiler's work for a `PromiseLike`: with two signatures, it takes the type parameters of a promise's
// `then` as `any` instead of inferring them, and it does not compare a result of `any`. `Awaited` uses the last
// signature. A function property, because parameters of methods are compared in both directions. `?` and `null` are
// those of `Promise`: with them, even without `strictFunctionTypes`, the value is compared in one direction.
interface Promised<T> extends NotAResult {
  /** Calls `onfulfilled` with the value. */
  readonly then: {
    (): any;
    (onfulfilled?: ((value: T) => unknown) | null): any;
  };
}

/**
 * A WebSocket handler: one object that serves any number of connections, on any server that implements this contract.
 *
 * Each connection has its own state. Every callback but `terminate` returns a {@link WebSock.HandleResult} with the
 * next state, directly or in a promise, and the next callback receives it. Callbacks of one connection never overlap
 * (rule 2.1). The numbered rules are in SPEC.md, which is part of the package.
 *
 * @typeParam State - the handler's data about one connection, passed from each callback to the next
 * @typeParam Info - the type of posted messages: the rest of the program posts them to a connection's mailbox, and
 * `handleInfo` receives them. Default: `unknown`
 * @typeParam Arg - the type of the value that the application passes through the upgrade to `init`. Default:
 * `undefined`
 */
export interface WebSock<State, Info = unknown, Arg = undefined> {
  /**
   * Called once per connection, when its handshake is complete and before anything else (rule 1.1).
   *
   * The result is applied as for {@link WebSock.handleIn}, and gives the connection its first state. Frames and posted
   * messages that arrive earlier are queued (rule 1.2).
   *
   * After a throw, a rejection or an invalid result there is no state: the connection closes with 1011, and `terminate`
   * is not called (rule 1.4).
   *
   * @param arg - the value that the application passed to the upgrade
   * @param mailbox - posts messages to this connection's `handleInfo`; store it where the program can find it
   */
  readonly init: (arg: Arg, mailbox: WebSock.Mailbox<Info>) => WebSock.Awaitable<WebSock.HandleResult<State>>;

  /**
   * Called with each complete text or binary message from the client, never with a fragment (rule 2.3).
   *
   * - `ok`: the connection continues with the given state (rule 3.1)
   * - `push`: the messages are sent in order, then the connection continues with the given state (rule 3.2)
   * - `reply`: the same as `push`; the server ignores `status` (rule 3.3)
   * - `stop`: the messages, if any, are sent, then the connection is closed (rules 3.4 and 4.3)
   *
   * A throw, a rejection or an invalid result closes the connection with 1011, and `terminate` receives the error
   * (rules 3.6 and 4.3).
   *
   * @param frame - a text frame, whose `data` is a string, or a binary frame, whose `data` is bytes that the handler
   * may keep (rule 2.7)
   * @param state - the same value that the previous callback returned, not a copy (rule 2.4)
   */
  readonly handleIn: (frame: WebSock.DataFrame, state: State) => WebSock.Awaitable<WebSock.HandleResult<State>>;

  /**
   * Optional. Called with each ping or pong from the client.
   *
   * The server has already answered a ping, so do not send a pong. Close frames are never passed: see `terminate`. A
   * server whose platform hides control frames never calls this, and documents it (rule 2.8).
   *
   * Results and errors are handled as for {@link WebSock.handleIn}.
   *
   * @param frame - the ping or pong, with 0 to 125 bytes of data
   * @param state - the same value that the previous callback returned, not a copy (rule 2.4)
   */
  readonly handleControl?:
    | ((frame: WebSock.ControlFrame, state: State) => WebSock.Awaitable<WebSock.HandleResult<State>>)
    | undefined;

  /**
   * Called once with each message that is posted to the connection's mailbox while the connection is open (rule 2.9).
   *
   * Results and errors are handled as for {@link WebSock.handleIn}.
   *
   * @param info - the posted message
   * @param state - the same value that the previous callback returned, not a copy (rule 2.4)
   */
  readonly handleInfo: (info: Info, state: State) => WebSock.Awaitable<WebSock.HandleResult<State>>;

  /**
   * Optional. Called exactly once for every connection whose `init` returned a result, after the connection has ended
   * and its last callback has settled (rule 4.1). Release the connection's resources here.
   *
   * A promise is awaited; the return value is ignored. The server reports a throw or a rejection, which affects no
   * other connection (rule 4.4).
   *
   * @param reason - why the connection ended
   * @param state - the last state
   */
  readonly terminate?: ((reason: WebSock.CloseReason, state: State) => unknown) | undefined;
}

/** The types that handlers and servers exchange: frames, messages, results, close reasons, options. */
export declare namespace WebSock {
  /** A value or a promise of it: a `Promise`, or any other thenable. */
  // `Promised` alone would accept every promise. With `Promise` and `PromiseLike`, an error describes the promise's
  // value.
  type Awaitable<T> = T | Promised<T> | (Promise<T> & NotAResult) | (PromiseLike<T> & NotAResult);

  // ---- Frames, from the client ----

  /** The kinds of data frame (RFC 6455 §5.6). */
  type DataOpcode = 'text' | 'binary';

  /** The kinds of control frame that a handler receives (RFC 6455 §5.5.2 and §5.5.3). */
  type ControlOpcode = 'ping' | 'pong';

  /** Every kind of frame that a handler receives. The server handles close frames itself. */
  type Opcode = DataOpcode | ControlOpcode;

  /**
   * A complete text or binary message from the client; test `opcode` to narrow it. At most
   * {@link WebSock.ConnectionOptions.maxMessageSize} bytes (rule 4.3).
   */
  type DataFrame = TextFrame | BinaryFrame;

  /** A complete text message from the client. */
  interface TextFrame {
    /** `'text'`: `data` is a string. */
    readonly opcode: 'text';
    /** The text, decoded from UTF-8. */
    readonly data: string;
  }

  /** A complete binary message from the client. */
  interface BinaryFrame {
    /** `'binary'`: `data` is bytes. */
    readonly opcode: 'binary';
    /** The bytes. The handler may keep them: the server neither modifies nor reuses them (rule 2.7). */
    readonly data: Bytes;
  }

  /** A ping or pong from the client. */
  interface ControlFrame {
    /** `'ping'` or `'pong'`. */
    readonly opcode: ControlOpcode;
    /** 0 to 125 bytes (RFC 6455 §5.5), which the handler may keep (rule 2.7). */
    readonly data: Bytes;
  }

  // ---- Messages, to the client ----

  /** One message to the client. Once returned, its bytes must not be modified (rule 2.7). */
  // Interfaces, because the compiler instantiates anonymous object types again for every handler. Text last: see
  // `HandleResult`.
  type Message = ControlMessage | BinaryMessage | TextMessage;

  /** A text message to the client. */
  interface TextMessage {
    /** `'text'`: `data` is a string. */
    readonly opcode: 'text';
    /** The text, sent as UTF-8. */
    readonly data: string;
  }

  /** A binary message to the client. */
  interface BinaryMessage {
    /** `'binary'`: `data` is bytes. */
    readonly opcode: 'binary';
    /** An `ArrayBuffer`, or a view of one: a typed array, a `DataView`, a `Buffer`. */
    readonly data: ArrayBuffer | ArrayBufferView;
  }

  /** A ping, which the client answers, or an unsolicited pong. The server answers the client's pings by itself. */
  interface ControlMessage {
    /** `'ping'` or `'pong'`. */
    readonly opcode: ControlOpcode;
    /** At most 125 bytes, or the result is invalid (rule 3.6); a string is sent as UTF-8. Default: no data. */
    // `'' | (string & {})` is `string`, but keeps the type of a literal, so that its length can be checked.
    readonly data?: '' | (string & {}) | ArrayBuffer | ArrayBufferView | undefined;
  }

  /** One message, or a list of messages to send in order. An empty list sends nothing (rule 3.5). */
  // Not `readonly Message[]`: the compiler would instantiate a list of an alias again for every handler.
  type Messages = Message | readonly (ControlMessage | BinaryMessage | TextMessage)[];

  // ---- Results, from a callback ----

  /** The result of every callback but `terminate`; a union discriminated by `type`. */
  // The most common member last: for a value that matches none, compilers before 7.0 describe the last one.
  type HandleResult<State> = Stop<State> | Reply<State> | Push<State> | Ok<State>;

  // Each result declares the properties of the others as `undefined`. So a misplaced property is an error where it is
  // written, and a server can read `result.messages` before it tests `type`.

  /** Continue with this state, and send nothing (rule 3.1). To send messages, return a {@link WebSock.Push}. */
  interface Ok<State> {
    /** Continue. */
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

  /** Send messages, then continue with this state (rule 3.2). */
  interface Push<State> {
    /** Send and continue. */
    readonly type: 'push';
    /** The messages to send, in order, before the next callback is called. */
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
    /** Send and continue. */
    readonly type: 'reply';
    /** Any value, for the handler's own tests and wrappers. The server ignores it, and does not send it. */
    readonly status?: unknown;
    /** The messages to send, in order, before the next callback is called. */
    readonly messages: Messages;
    /** The connection's next state. */
    readonly state: State;
    /** Only a stop has a reason. */
    readonly reason?: undefined;
    /** To close the connection, return a stop, which may have messages too. */
    readonly close?: undefined;
  }

  /** Send messages, if any, then close the connection (rule 3.4). No callback but `terminate` follows. */
  interface Stop<State> {
    /** Close. */
    readonly type: 'stop';
    /**
     * Why the handler stops: sets the close code, unless `close` does, and the reason that `terminate` receives (rule
     * 4.3). Default: `'normal'`.
     */
    readonly reason?: StopReason | undefined;
    /** The last state, for `terminate`. */
    readonly state: State;
    /** The close code and reason to send, in place of those that follow from `reason` (rule 4.2). */
    readonly close?: CloseDetail | undefined;
    /** The messages to send before the close frame. Default: none. */
    readonly messages?: Messages | undefined;
    /** Only a reply has a status. */
    readonly status?: undefined;
    /** A close code belongs in `close`: `{ code }`. */
    readonly code?: undefined;
    /** An error belongs in `reason`: `{ error }`. */
    readonly error?: undefined;
  }

  // ---- Closing ----

  /**
   * Why a handler stops (rule 4.3).
   *
   * - `'normal'`: the work is done; closes with 1000
   * - `'restart'`: the client should reconnect; closes with 1012
   * - `{ error }`: the handler failed; closes with 1011. The error may be any value, as with `throw`. `terminate`
   *   receives it; the client does not
   */
  type StopReason = 'normal' | 'restart' | { readonly error: unknown };

  /** The content of the close frame to send. */
  interface CloseDetail {
    /**
     * Such as 1003 (unsupported data), 1008 (policy violation), or your own from 4000 to 4999:
     * {@link WebSock.CloseCode}.
     */
    readonly code: CloseCode;
    /** At most 123 bytes of UTF-8; a longer one is cut at a whole character (rule 4.2). Default: empty. */
    // `'' | (string & {})` is `string`, but keeps the type of a literal, so that its length can be checked.
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
   * libraries and protocols, or 4000 to 4999 for the application. Any other code makes the result invalid (rule 3.6).
   */
  // `number & {}` is `number`, but keeps the type of a literal, so that it can be completed and checked.
  type CloseCode = StandardCloseCode | (number & {});

  /**
   * The reason that `terminate` receives (rule 4.3); a union discriminated by `type`.
   *
   * - `normal`: the handler stopped with `'normal'` or `'restart'`
   * - `remote`: the client closed the connection, or the connection was lost
   * - `shutdown`: the server is shutting down
   * - `timeout`: the client sent nothing for {@link WebSock.ConnectionOptions.idleTimeout} milliseconds
   * - `error`: a callback failed, the handler stopped with `{ error }`, or the client violated the protocol or was
   *   dropped
   *
   * `code` and `reason` are those of the close frame: the client's for `remote`, otherwise the server's. Without a
   * close frame they are 1006 and `''` (RFC 6455 §7.1.5).
   */
  type CloseReason = NormalClose | RemoteClose | ShutdownClose | TimeoutClose | ErrorClose;

  /** The handler stopped with `'normal'` or `'restart'`, or the program by `mailbox.stop`. */
  interface NormalClose {
    /** The handler stopped with `'normal'` or `'restart'`, or the program by `mailbox.stop`. */
    readonly type: 'normal';
    /** The close code that was sent: 1000, 1012, or that of the given `close`. */
    readonly code: number;
    /** The close reason that was sent; `''` by default. */
    readonly reason: string;
  }

  /** The client closed the connection, or the connection was lost. */
  interface RemoteClose {
    /** The client closed the connection, or the connection was lost. */
    readonly type: 'remote';
    /** The client's close code; 1005 if its close frame had none, 1006 if there was no close frame. */
    readonly code: number;
    /** The client's close reason; `''` if it gave none. */
    readonly reason: string;
  }

  /** The server is shutting down. */
  interface ShutdownClose {
    /** The server is shutting down. */
    readonly type: 'shutdown';
    /** 1001, unless the application asked for another code. */
    readonly code: number;
    /** `''`, unless the application gave a reason. */
    readonly reason: string;
  }

  /** The client sent nothing for `idleTimeout` milliseconds. */
  interface TimeoutClose {
    /** The client sent nothing for `idleTimeout` milliseconds. */
    readonly type: 'timeout';
    /** 1001, or the code that the platform's own idle timeout sent (rule 4.6). */
    readonly code: number;
    /** `''`. */
    readonly reason: string;
  }

  /** A callback failed, the handler stopped with `{ error }`, or the client violated the protocol or was dropped. */
  interface ErrorClose {
    /** A callback failed, the handler stopped with `{ error }`, or the client violated the protocol or was dropped. */
    readonly type: 'error';
    /** The value thrown or rejected with, the `error` of a stop, or an error that describes the client's fault. */
    readonly error: unknown;
    /** The close code that was sent; 1006 if the server dropped the client. */
    readonly code: number;
    /** The close reason that was sent; `''` by default. */
    readonly reason: string;
  }

  // ---- Mailbox, options, upgrade ----

  /** The mailbox of one connection, by which the rest of the program reaches it. */
  interface Mailbox<Info> {
    /**
     * Posts a message, and returns before `handleInfo` is called with it (rule 6.2). Messages are handled in the order
     * posted (rule 6.3). Never throws; does nothing after the connection has ended (rule 6.1). May be detached:
     * `const { post } = mailbox` (rule 6.5).
     */
    readonly post: (info: Info) => void;
    /**
     * Ends the connection at once, as a `stop` with this `close` would: queued frames and posted messages are discarded,
     * a pending callback is awaited, and `terminate` receives `normal`. For "throw this user out". The client then has a
     * limited time in all to read what is buffered for it and to close (rule 6.6). Never throws: an invalid `close` is
     * reported, and closes with 1011. Does nothing after the connection has ended. May be detached.
     *
     * @param close - the code and reason to send; by default 1000 and `''`
     */
    readonly stop: (close?: CloseDetail) => void;
    /**
     * The number of posted messages that wait for `handleInfo`; 0 after the connection has ended (rule 6.7). It grows
     * while a client reads slowly: leave out what will be stale, such as "alice is typing".
     */
    readonly waiting: number;
    /**
     * Aborted when the connection ends, as soon as the server knows: before `terminate`, while a callback is pending, and
     * if `init` throws (rule 6.8). To cancel work for a client that has left, as in `fetch(url, { signal })`, and to take
     * a mailbox off a list. Its `reason` is an `Error` named `AbortError` whose `cause` is the {@link CloseReason}. After
     * the end, a throw of this error, or of one whose `cause` it is, is not reported.
     */
    readonly signal: Signal;
  }

  /** The platform's `AbortSignal`; its basic members where the compiler knows no such type. */
  type Signal = typeof globalThis extends { AbortSignal: { prototype: infer AbortSignal } }
    ? AbortSignal
    : {
        /** Whether the connection has ended. */
        readonly aborted: boolean;
        /** Why: an `Error` named `AbortError`, with a `cause`. */
        readonly reason: any;
        /** Calls `listener` when the connection ends. */
        addEventListener(type: 'abort', listener: () => void): void;
        /** Takes a listener off. */
        removeEventListener(type: 'abort', listener: () => void): void;
      };

  /** Options of one connection. */
  interface ConnectionOptions {
    /**
     * Milliseconds (not seconds, as on Bun and Deno) after which the server closes the connection with 1001 if the
     * client has sent nothing, not even a ping or pong (rule 4.3). At least 1; `Infinity` disables it. Default: 60 000,
     * or none if the platform neither pings by itself nor shows pongs (rule 4.6).
     */
    readonly idleTimeout?: number | undefined;
    /**
     * Whether the server pings a client that has been silent for half of `idleTimeout` (rule 4.6): a client that only
     * listens stays connected, and a lost one is noticed. Default: `true`.
     */
    readonly heartbeat?: boolean | undefined;
    /** Whether to compress messages if the client offers permessage-deflate (RFC 7692). Default: `false`. */
    readonly compress?: boolean | undefined;
    /**
     * The size limit of a message from the client, in bytes, after reassembly and decompression. A larger message
     * closes the connection with 1009 (rule 4.3). A whole number, at least 1. Default: 10 000 000.
     */
    readonly maxMessageSize?: number | undefined;
    /**
     * Whether text that is not UTF-8 closes the connection with 1007. If `false`, malformed bytes reach the handler as
     * U+FFFD (rule 2.7). Default: `true`.
     */
    readonly validateUtf8?: boolean | undefined;
    /**
     * The subprotocol to select (RFC 6455 §1.9), such as `'graphql-transport-ws'`. The server sends it only if the
     * client offered it (rule 1.5). Default: none.
     */
    readonly protocol?: string | undefined;
    /**
     * Headers of the 101 response, such as `{ 'Set-Cookie': ['a=1', 'b=2'] }`. The upgrade throws for the names of the
     * handshake (`Connection`, `Upgrade`, `Sec-WebSocket-*`), for `Content-Length` and `Transfer-Encoding`, and for
     * control characters (rule 1.5). Default: none.
     */
    readonly headers?: { readonly [name: string]: string | readonly string[] } | undefined;
  }

  /**
   * The signature of a server's upgrade function, which turns a request into a connection served by a handler.
   *
   * @typeParam UpgradeRequest - the request, in the form that the server documents
   * @typeParam UpgradeResult - the value that the server's platform expects in return. Default: `void`
   */
  interface Upgrade<UpgradeRequest, UpgradeResult = void> {
    /**
     * Accepts the request, and serves the connection with the handler. An invalid upgrade request is refused without
     * any callback (rule 1.5).
     *
     * @param request - the request to upgrade, in the form that the server documents
     * @param handler - serves this connection; may serve any number of others (rule 2.6)
     * @param arg - passed to `init` unchanged; `undefined` if `init` has no parameters
     * @param options - of this connection only
     */
    // The defaults let `upgrade<State>(…)` name the state alone. `init` is matched apart, because the compiler would infer
    // `Arg` from the arg, and then overlook its excess properties.
    <State, Info = unknown, Arg = undefined, Init = unknown>(
      request: UpgradeRequest,
      handler: WebSock<State, Info, Arg> & { readonly init: Init },
      arg: ArgFor<Init, Arg>,
      options?: ConnectionOptions,
    ): UpgradeResult;
  }

  /**
   * The type of the arg in the signature of an upgrade: `undefined` if `Init`, the type of the handler's `init`, has no
   * parameters; otherwise `Arg`. Without it, the compiler would accept options in place of the arg.
   */
  type ArgFor<Init, Arg> = Init extends (...args: infer Params) => unknown
    ? Params extends []
      ? undefined
      : Arg
    : Arg;

  /**
   * A handler with any state, info and arg, for code that stores handlers of different types. Every
   * `WebSock<State, Info, Arg>` is assignable to it, except with a `State` of `never`, of which there is no value.
   */
  // Methods, because their parameters are compared in both directions: even an info or arg of `never` is assignable.
  interface Any extends WebSock<any, any, any> {
    /** See {@link WebSock.init}. */
    init(arg: any, mailbox: Mailbox<any>): Awaitable<HandleResult<any>>;
    /** See {@link WebSock.handleInfo}. */
    handleInfo(info: any, state: any): Awaitable<HandleResult<any>>;
  }

  /** The state of a handler type: `StateOf<WebSock<State, Info, Arg>>` is `State`. */
  type StateOf<Handler extends Any> = Handler extends WebSock<infer State, infer _Info, infer _Arg> ? State : never;

  /** The posted messages of a handler type: `InfoOf<WebSock<State, Info, Arg>>` is `Info`. */
  type InfoOf<Handler extends Any> = Parameters<Handler['handleInfo']>[0];

  /** The arg of a handler type: `ArgOf<WebSock<State, Info, Arg>>` is `Arg`. */
  type ArgOf<Handler extends Any> = Parameters<Handler['init']>[0];
}

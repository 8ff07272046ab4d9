// Typed messages: a handler of values that a schema checks, as a handler of text frames of JSON.
//
//   const protocol = { in: z.object({ say: z.string() }), out: z.object({ from: z.string(), text: z.string() }) };
//   const chat = json(protocol)({
//     init: (name: string) => ({ type: 'ok', state: { name } }),
//     handleMessage: ({ say }, { name }) => ({ type: 'push', messages: { from: name, text: say }, state: { name } }),
//     handleInfo: (_info, state) => ({ type: 'ok', state }),
//   });

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { WebSock } from '@websock/spec';
import { isThenable } from './connection/results.ts';
import { describe } from './describe.ts';
import { checkCallbacks } from './handler.ts';
import { OptionsReader } from './options.ts';
import { andThen, resultParts } from './wrapper.ts';

/** The schemas of both directions, of any library that implements Standard Schema: zod, valibot, arktype, … */
export interface JsonProtocol<In extends StandardSchemaV1, Out extends StandardSchemaV1> {
  /** What a client may send. The handler receives this schema's output. */
  readonly in: In;
  /** What the handler may send. It returns this schema's input; the client receives its output, as JSON. */
  readonly out: Out;
}

declare const anyState: unique symbol;

/** The state of a handler that is not known: it can only be returned as it is. */
// Not a type parameter of `invalid`: TypeScript 5.4 does not match an inline function with one.
export interface AnyState {
  /** Nothing; no other value is a state. */
  readonly [anyState]: never;
}

/** What {@link json} accepts: a protocol, and an answer to invalid messages. */
export interface JsonOptions<In extends StandardSchemaV1, Out extends StandardSchemaV1> extends JsonProtocol<In, Out> {
  /**
   * Called in place of `handleMessage` when a client sends something that is not JSON or that `in` refuses; returns a
   * result. Default: closes with 1008, without details; `terminate` receives an error that does not quote the client.
   *
   * @param issues - what is wrong. The texts of some libraries quote what the client sent
   * @param state - the handler's, to be returned
   */
  readonly invalid?:
    | ((
        issues: readonly StandardSchemaV1.Issue[],
        state: AnyState,
      ) => WebSock.Awaitable<JsonResult<AnyState, StandardSchemaV1.InferInput<Out>>>)
    | undefined;
}

/**
 * What a client of a protocol sends, before it becomes JSON: `ClientMessages<typeof protocol>`. The input of the schema
 * `in`.
 */
export type ClientMessages<Protocol extends { readonly in: StandardSchemaV1 }> = StandardSchemaV1.InferInput<
  Protocol['in']
>;

/**
 * What a client of a protocol receives, as parsed from JSON: `ServerMessages<typeof protocol>`. The output of the schema
 * `out`, which should therefore be JSON: no `Date`, but a string, which the schema may make of one.
 */
export type ServerMessages<Protocol extends { readonly out: StandardSchemaV1 }> = StandardSchemaV1.InferOutput<
  Protocol['out']
>;

/**
 * A handler of typed messages: a `WebSock` with `handleMessage` in place of `handleIn`, whose results have values as
 * messages.
 *
 * @typeParam In - what the handler receives: the output of the schema `in`
 * @typeParam Out - what it sends: the input of the schema `out`
 */
export interface JsonHandler<State, Info, Arg, In, Out> {
  /** As in `WebSock`. */
  readonly init: (arg: Arg, mailbox: WebSock.Mailbox<Info>) => WebSock.Awaitable<JsonResult<State, Out>>;
  /** Called with each message from the client that the schema `in` accepts. */
  readonly handleMessage: (message: In, state: State) => WebSock.Awaitable<JsonResult<State, Out>>;
  /** As in `WebSock`. */
  readonly handleControl?:
    | ((frame: WebSock.ControlFrame, state: State) => WebSock.Awaitable<JsonResult<State, Out>>)
    | undefined;
  /** As in `WebSock`. */
  readonly handleInfo: (info: Info, state: State) => WebSock.Awaitable<JsonResult<State, Out>>;
  /** As in `WebSock`. */
  readonly terminate?: ((reason: WebSock.CloseReason, state: State) => unknown) | undefined;
}

/** One message or a list of them. A message that is itself a list is written in a list. */
export type JsonMessages<Out> = JsonMessage<Out> | readonly JsonMessage<Out>[];

/** A value for the schema `out`, or a ping or pong. What the schema accepts is never taken for a ping or pong. */
export type JsonMessage<Out> = WebSock.ControlMessage | Out;

/** A `WebSock.HandleResult` whose messages are values. */
export type JsonResult<State, Out> =
  | JsonStop<State, Out>
  | JsonReply<State, Out>
  | JsonPush<State, Out>
  | WebSock.Ok<State>;

/** A `WebSock.Push` whose messages are values. */
export interface JsonPush<State, Out> extends Omit<WebSock.Push<State>, 'messages'> {
  /** The messages to send, in order. */
  readonly messages: JsonMessages<Out>;
}

/** A `WebSock.Reply` whose messages are values. */
export interface JsonReply<State, Out> extends Omit<WebSock.Reply<State>, 'messages'> {
  /** The messages to send, in order. */
  readonly messages: JsonMessages<Out>;
}

/** A `WebSock.Stop` whose messages are values. */
export interface JsonStop<State, Out> extends Omit<WebSock.Stop<State>, 'messages'> {
  /** The messages to send before the close frame. Default: none. */
  readonly messages?: JsonMessages<Out> | undefined;
}

/**
 * Turns a handler of typed messages into a plain handler: `json({ in, out })(handler)`. Two calls, as one would widen the
 * literals in the handler's results.
 *
 * Text from the client is parsed and checked by `in`. Text that is not JSON, that has a key `__proto__`, or that `in`
 * refuses, and binary messages, go to `invalid`. What the handler sends is checked by `out`: if it refuses a message, the
 * callback fails as if it had thrown (1011, `onError`), and nothing of its result is sent. Schemas may be async.
 *
 * Throws a TypeError for what is no schema, and for an invalid handler.
 */
export function json<const In extends StandardSchemaV1, const Out extends StandardSchemaV1>(
  options: JsonOptions<In, Out>,
): <State, Info = unknown, Arg = undefined>(
  handler: JsonHandler<State, Info, Arg, StandardSchemaV1.InferOutput<In>, StandardSchemaV1.InferInput<Out>>,
) => WebSock<State, Info, Arg> {
  const reader = new OptionsReader('json', options, ['in', 'out', 'invalid']);
  const must = 'a schema of a library that implements Standard Schema, such as zod, valibot or arktype';
  const incoming = reader.required('in', isSchema, must);
  const outgoing = reader.required('out', isSchema, must);
  const isFunction = (value: unknown): value is NonNullable<typeof options.invalid> => typeof value === 'function';
  const invalid = reader.option('invalid', isFunction, 'a function (issues, state) => …, which returns a result');

  return (handler) => {
    checkCallbacks(handler, 'json', 'handleMessage');
    const encode = (callback: string, result: unknown): any =>
      andThen(result, (value) => encodeResult(outgoing, callback, value));
    const refuse = (issues: readonly StandardSchemaV1.Issue[], what: string, state: any): any => {
      if (invalid) return encode('invalid', invalid(issues, state));
      // Not a throw: a client's fault is not reported.
      return { type: 'stop', state, reason: { error: new Error(`the client sent ${what}`) }, close: { code: 1008 } };
    };
    return {
      init: (arg, mailbox) => encode('init', handler.init(arg, mailbox)),
      handleIn(frame, state) {
        const parsed = parse(frame);
        if (parsed.issues) return refuse(parsed.issues, parsed.issues[0].message, state);
        return andThen(validate(incoming, 'in', parsed.value), ({ issues, value }) =>
          issues
            ? refuse(issues, 'JSON that the schema "in" refuses', state)
            : encode('handleMessage', handler.handleMessage(value as StandardSchemaV1.InferOutput<In>, state)),
        );
      },
      handleInfo: (info, state) => encode('handleInfo', handler.handleInfo(info, state)),
      handleControl:
        handler.handleControl && ((frame, state) => encode('handleControl', handler.handleControl?.(frame, state))),
      terminate: handler.terminate && ((reason, state) => handler.terminate?.(reason, state)),
    };
  };
}

// ---- Schemas ----

/** What a schema says of a value. */
interface Verdict {
  readonly issues?: readonly StandardSchemaV1.Issue[] | undefined;
  readonly value?: unknown;
}

function isSchema(value: any): value is StandardSchemaV1 {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false; // arktype's are functions
  const standard = value['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

function validate(schema: StandardSchemaV1, name: 'in' | 'out', value: unknown): Verdict | PromiseLike<Verdict> {
  try {
    const verdict: unknown = schema['~standard'].validate(value);
    if (isThenable(verdict)) {
      return Promise.resolve(verdict).then((settled) => checkVerdict(name, settled), tooDeep);
    }
    return checkVerdict(name, verdict);
  } catch (error) {
    return tooDeep(error);
  }
}

function checkVerdict(name: string, verdict: unknown): Verdict {
  if (typeof verdict === 'object' && verdict !== null) return verdict;
  throw new TypeError(`json: the schema "${name}" returned ${describe(verdict)} in place of a result`);
}

/** The verdict on a value that is nested so deeply that the schema overflowed the stack; throws any other error. */
function tooDeep(error: unknown): Verdict {
  const isOverflow = error instanceof RangeError && /call stack/i.test(error.message);
  if (!isOverflow) throw error;
  return { issues: [{ message: 'JSON that is nested too deeply' }] };
}

// ---- From the client ----

/** A property of this name sets the prototype of an object that a program copies it to. Any character may be escaped. */
const PROTO_KEY = new RegExp(`"${[...'__proto__'].map(orEscaped).join('')}"\\s*:`);

function orEscaped(character: string): string {
  const digits = character.charCodeAt(0).toString(16).replace('f', '[fF]');
  return `(?:${character}|\\\\u00${digits})`;
}

type Parsed =
  | { readonly issues: readonly [StandardSchemaV1.Issue]; readonly value?: undefined }
  | { readonly value: unknown; readonly issues?: undefined };

function parse({ opcode, data }: WebSock.DataFrame): Parsed {
  if (opcode === 'binary') return { issues: [{ message: 'a binary message, not JSON as text' }] };
  if (PROTO_KEY.test(data)) return { issues: [{ message: 'JSON with a key "__proto__"' }] };
  try {
    return { value: JSON.parse(data) };
  } catch {
    return { issues: [{ message: 'text that is not JSON' }] }; // the error of the parser quotes it
  }
}

// ---- To the client ----

function encodeResult(schema: StandardSchemaV1, callback: string, result: unknown): unknown {
  const parts = resultParts(result);
  if (!parts) return result;
  const { type, messages } = parts;
  if (type === 'ok' || messages === undefined) return parts;
  const values = Array.isArray(messages) ? messages : [messages];
  const encoded: WebSock.Message[] = [];
  // One after the other: if one fails, no promise of another is left that could reject.
  const encodeFrom = (first: number): unknown => {
    for (let index = first; index < values.length; index++) {
      const message = encodeMessage(schema, `${callback} returned a message (number ${index + 1})`, values[index]);
      if (isThenable(message)) {
        return Promise.resolve(message).then((settled) => {
          encoded.push(settled as WebSock.Message);
          return encodeFrom(index + 1);
        });
      }
      encoded.push(message as WebSock.Message);
    }
    return { ...parts, messages: encoded };
  };
  return encodeFrom(0);
}

function encodeMessage(schema: StandardSchemaV1, what: string, message: unknown): unknown {
  return andThen(validate(schema, 'out', message), ({ issues, value }) => {
    if (!issues) return { opcode: 'text', data: stringify(what, value) };
    if (isControl(message)) return message;
    // Of the issues only the places: their texts may quote a client.
    throw new TypeError(`${what} that the schema "out" refuses, at ${issues.map(placeOf).join(', ')}`);
  });
}

function stringify(what: string, value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new TypeError(`${what} that cannot be written as JSON`, { cause });
  }
  if (text === undefined) throw new TypeError(`${what} that cannot be written as JSON: it is ${describe(value)}`);
  return text;
}

function isControl(message: unknown): boolean {
  const { opcode } = (message ?? {}) as { readonly opcode?: unknown };
  return opcode === 'ping' || opcode === 'pong';
}

/** Such as `'user.name'`; `the message itself` without a path. */
function placeOf({ path = [] }: StandardSchemaV1.Issue): string {
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return keys.length === 0 ? 'the message itself' : describe(keys.join('.'));
}

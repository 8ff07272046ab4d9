// Topics and presence. See README.md for what they promise.

export type { Broker, BrokerEvents } from './broker.ts';
export type { Bytes, Codec } from './codec.ts';
export type { Subscriber } from './members.ts';
export { createPresence, type Presence, type PresenceChange, type PresenceOptions, type Tracked } from './presence.ts';
export { createPubSub, type PublishOptions, type PubSub, type PubSubOptions } from './pubsub.ts';
export type { ErrorContext, ErrorReporter } from './report.ts';

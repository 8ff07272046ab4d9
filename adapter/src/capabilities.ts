export type { Cannot, Capability } from '@websock/spec/conformance';

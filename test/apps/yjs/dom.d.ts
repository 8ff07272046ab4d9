// The names of the DOM that the declarations of yjs and y-websocket mention, so that they compile without it.

interface Document {
  readonly nodeType: number;
}
interface Element {
  readonly nodeType: number;
}
interface Node {
  readonly nodeType: number;
}
interface Text {
  readonly nodeType: number;
}
interface CloseEvent {
  readonly code: number;
  readonly reason: string;
}
declare const self: unknown;

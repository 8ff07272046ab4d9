// The DOM types that the declarations of yjs and y-websocket refer to, so that they compile without `lib: dom`.

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

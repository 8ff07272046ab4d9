// TCP servers that answer the handshake, and then echo bytes: how fast any WebSocket server of the platform could be.

const ANSWER = new TextEncoder().encode('HTTP/1.1 101 Switching Protocols\r\n\r\n');

/** What to do with the bytes of a client: the first are its handshake, in one piece. */
export function echoer(write: (bytes: Uint8Array) => unknown): (bytes: Uint8Array) => void {
  let isOpen = false;
  return (bytes) => {
    write(isOpen ? bytes : ANSWER);
    isOpen = true;
  };
}

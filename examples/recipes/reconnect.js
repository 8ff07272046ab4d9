// In the browser: connects, and reconnects after a deploy or a lost network.

const RECONNECT = [1001, 1006, 1012, 1013]; // going away, connection lost, service restart, try again later

/** @type {(url: string, onMessage: (event: MessageEvent) => void, failures?: number) => void} */
export function connect(url, onMessage, failures = 0) {
  const socket = new WebSocket(url);
  socket.onmessage = onMessage;
  socket.onopen = () => {
    failures = 0;
  };
  socket.onclose = ({ code }) => {
    if (!RECONNECT.includes(code)) return;
    const delay = Math.random() * Math.min(30_000, 1_000 * 2 ** failures); // not all clients at the same moment
    setTimeout(() => connect(url, onMessage, failures + 1), delay);
  };
}

// In the browser: a connection that comes back after a deploy, a lost network, or a laptop's sleep.

// going away, protocol error (for some servers, an idle timeout), connection lost, service restart, try again later
const RECONNECT = [1001, 1002, 1006, 1012, 1013];

/** The status of a refused upgrade, which a browser hides: that of an ordinary request, or 0 without an answer. */
const statusOf = (/** @type {string} */ url) =>
  fetch(url.replace(/^ws/, 'http'), { credentials: 'include', signal: AbortSignal.timeout(10_000) }).then(
    ({ status }) => status,
    () => 0,
  );

/** @typedef {{ onMessage(event: MessageEvent): void, onState(isOpen: boolean): void, onEnd(code: number): void }} Listener */

/** @param {string} url @param {Listener} listener `onEnd` receives the close code; or 401 or 403: the page was refused. */
export function connect(url, { onMessage, onState, onEnd }) {
  let socket = /** @type {WebSocket | undefined} */ (undefined);
  let timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  let failures = 0;
  let isClosed = false;

  function open() {
    let openedAt = Number.POSITIVE_INFINITY;
    socket = new WebSocket(url);
    socket.onopen = () => {
      openedAt = Date.now();
      onState(true);
    };
    socket.onmessage = (event) => isClosed || onMessage(event);
    socket.onclose = async ({ code }) => {
      const status = openedAt === Number.POSITIVE_INFINITY ? await statusOf(url) : 0;
      if (isClosed) return;
      onState(false);
      if (status === 401 || status === 403) return onEnd(status);
      if (!RECONNECT.includes(code)) return onEnd(code);
      if (Date.now() - openedAt > 5_000) failures = 0;
      timer = setTimeout(open, Math.random() * Math.min(30_000, 1_000 * 2 ** failures++)); // pages return at different times
    };
  }

  open();
  return {
    /** Throws unless the connection is open. */
    send(/** @type {string | ArrayBuffer} */ data) {
      if (socket?.readyState !== WebSocket.OPEN) throw new Error('not sent: the connection is not open');
      socket.send(data);
    },
    /** Closes the connection for good; the listener is not called again. */
    close() {
      isClosed = true;
      clearTimeout(timer);
      socket?.close();
    },
  };
}

// The chat's page: a connection that reconnects by itself, and what a person sees of it.

const SUBPROTOCOL = 'chat.json';

/** How long to wait before connecting again, in ms. It doubles with each attempt that fails. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;

/** After a connection that has lasted this long, in ms, the waits start over. */
const GOOD = 5_000;

/** How long to wait for the server to accept a connection or to answer, in ms. */
const PATIENCE = 10_000;

/**
 * After this long without a message, in ms, the page asks who is there, to see whether the server still answers: a page
 * cannot see the server's pings, and nothing reports a network that has gone away.
 */
const SILENCE = 45_000;

/** How many lines, and how many events of the connection, are kept on the page. */
const MOST_LINES = 500;
const MOST_EVENTS = 20;

/** After these close codes the page does not reconnect: it or the server has said goodbye, or the server refuses it. */
const FINAL_CODES = [1000, 1008];

/**
 * A message of the server: a line, the members of the room, or both. A line without `from` is a notice of the server.
 *
 * @typedef {{ from?: string, text?: string, names?: string[] }} Message
 */

/**
 * What becomes of a connection.
 *
 * @typedef {object} Listener
 * @property {(message: Message) => void} onMessage
 * @property {(state: 'connecting' | 'open') => void} onState
 * @property {(wait: number) => void} onWait The connection is lost; the next attempt is in `wait` ms.
 * @property {(code: number, reason: string) => void} onEnd The connection is over, and there is no next attempt.
 * @property {(event: string) => void} onEvent What happened, in a developer's words.
 */

/** A connection that reconnects by itself until `leave` is called. */
class Connection {
  /** @type {WebSocket | undefined} */
  #socket;
  #url;
  #listener;
  #failures = 0;
  #openedAt = Number.POSITIVE_INFINITY;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {URL} url @param {Listener} listener */
  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    this.connect();
  }

  /** Connects, unless it is connected or about to be. */
  connect() {
    if (this.#socket) return;
    this.#listener.onState('connecting');
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    this.#after(PATIENCE, () => this.#lost(1006, 'the server does not answer'));

    socket.onopen = () => {
      this.#openedAt = performance.now();
      const how = [socket.protocol || 'no subprotocol', socket.extensions || 'no compression'];
      this.#listener.onEvent(`Connected: ${how.join(', ')}`);
      this.#listener.onState('open');
      this.#listen();
    };
    socket.onmessage = ({ data }) => {
      this.#listen();
      this.#listener.onMessage(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  /** @param {string} text @returns {boolean} whether it could be sent */
  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  leave() {
    this.#end(1000, 'bye');
  }

  /** Waits for the next message, but not indefinitely. */
  #listen() {
    this.#after(SILENCE, () => {
      this.send('/who');
      this.#after(PATIENCE, () => this.#lost(1006, 'the server has fallen silent'));
    });
  }

  /** @param {number} ms @param {() => void} act The one thing to do next. */
  #after(ms, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }

  /** Gives the socket up without waiting for it to close: a dead network can make that take minutes. */
  #forget() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000, 'bye');
  }

  /** @param {number} code @param {string} reason */
  #tellClosed(code, reason) {
    this.#listener.onEvent(reason === '' ? `Closed: ${code}` : `Closed: ${code}, ${reason}`);
  }

  /** @param {number} code @param {string} reason */
  #end(code, reason) {
    this.#forget();
    this.#tellClosed(code, reason);
    this.#listener.onEnd(code, reason);
  }

  /** @param {number} code @param {string} reason */
  #lost(code, reason) {
    if (FINAL_CODES.includes(code)) return this.#end(code, reason);
    this.#forget();
    if (performance.now() - this.#openedAt >= GOOD) this.#failures = 0;
    const isRestart = code === 1012 && this.#failures === 0; // a second one in a row waits
    this.#openedAt = Number.POSITIVE_INFINITY;
    this.#tellClosed(code, reason);
    // Partly random, so that the pages do not all come back at the same moment.
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures);
    const wait = isRestart ? 0 : longest * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.#listener.onEvent(isRestart ? 'Reconnecting' : `Reconnecting in ${(wait / 1_000).toFixed(1)} s`);
    if (isRestart) return this.connect();
    this.#listener.onWait(wait);
    this.#after(wait, () => this.connect());
  }
}

// ---- What a person sees ----

/** @type {<T extends HTMLElement>(id: string, type: new () => T) => T} */
function get(id, type) {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new TypeError(`the page has no ${type.name} with the id ${id}`);
}

const page = {
  title: get('title', HTMLHeadingElement),
  state: get('state', HTMLParagraphElement),
  leave: get('leave', HTMLButtonElement),
  lobby: get('lobby', HTMLElement),
  enter: get('enter', HTMLFormElement),
  ended: get('ended', HTMLParagraphElement),
  name: get('name', HTMLInputElement),
  room: get('room', HTMLInputElement),
  chat: get('chat', HTMLElement),
  log: get('log', HTMLDivElement),
  lines: get('lines', HTMLOListElement),
  here: get('here', HTMLHeadingElement),
  people: get('people', HTMLUListElement),
  events: get('events', HTMLOListElement),
  waiting: get('waiting', HTMLDivElement),
  countdown: get('countdown', HTMLParagraphElement),
  retry: get('retry', HTMLButtonElement),
  say: get('say', HTMLFormElement),
  text: get('text', HTMLInputElement),
  send: get('send', HTMLButtonElement),
};

/** @type {Connection | undefined} */
let connection;

/** What this person has said and the server has not sent back yet. @type {string[]} */
let unheard = [];

/**
 * An element with a text. What others have said only ever becomes text, never markup.
 *
 * @param {string} tag @param {string} className @param {...(string | Node)} content @returns {HTMLElement}
 */
function element(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

/** Now, as a person reads it. */
function clock(timeStyle = /** @type {'short' | 'medium'} */ ('short')) {
  const now = new Date();
  const time = document.createElement('time');
  time.dateTime = now.toISOString();
  time.textContent = now.toLocaleTimeString([], { timeStyle });
  return time;
}

/** Gives a name the same color everywhere. @param {HTMLElement} where @param {string} name */
function color(where, name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 997;
  where.style.setProperty('--hue', String((hash * 137.5) % 360)); // the golden angle keeps neighbours apart
  return where;
}

/** Whether the newest line is in sight. Someone who reads further up is left alone. */
let isAtEnd = true;
page.log.addEventListener('scroll', () => {
  isAtEnd = page.log.scrollHeight - page.log.scrollTop - page.log.clientHeight < 40;
});
const follow = () => {
  if (isAtEnd) page.log.scrollTop = page.log.scrollHeight;
};
new ResizeObserver(follow).observe(page.log);

/** @param {HTMLElement} line */
function show(line) {
  page.lines.append(line);
  while (page.lines.childElementCount > MOST_LINES) page.lines.firstElementChild?.remove();
  follow();
}

/** @param {string} text */
function showNotice(text, className = 'notice') {
  show(element('li', className, text));
}

/** @param {string} from @param {string} text */
function showLine(from, text) {
  const isMine = from === page.name.value;
  if (isMine) unheard.splice(0, unheard.indexOf(text) + 1);
  const said = element('p', 'text', text);
  said.dir = 'auto';
  show(element('li', isMine ? 'line mine' : 'line', color(element('bdi', 'from', from), from), clock(), said));
}

/** @param {string[]} names */
function showPeople(names) {
  page.here.textContent = `Here (${names.length})`;
  const me = names.indexOf(page.name.value);
  page.people.replaceChildren(
    ...names.map((name, index) => {
      const initial = element('span', 'initial', (Array.from(name)[0] ?? '').toUpperCase());
      initial.ariaHidden = 'true';
      const person = element('li', '', color(initial, name), element('bdi', '', name));
      if (index === me) person.append(element('span', 'you', '(you)'));
      return person;
    }),
  );
}

/** @param {Message} message */
function receive({ from, text, names }) {
  if (names) showPeople(names);
  if (text === undefined) return;
  if (from) showLine(from, text);
  else showNotice(text);
}

const WORDS = { '': '', connecting: 'Connecting', open: 'Connected', waiting: 'Not connected' };

/** @param {keyof typeof WORDS} state */
function showState(state) {
  page.state.dataset['state'] = page.chat.dataset['state'] = state;
  page.state.textContent = WORDS[state];
  page.send.disabled = state !== 'open';
  page.waiting.hidden = state !== 'waiting';
  if (state !== 'open' && unheard.length > 0) {
    for (const text of unheard) showNotice(`May not have been delivered: ${text}`, 'notice doubt');
    unheard = [];
  }
}

/** Counts down to the next attempt. Screen readers read the state, not this. @param {number} wait in ms */
function showWait(wait) {
  showState('waiting');
  const until = performance.now() + wait;
  (function tick() {
    if (page.waiting.hidden) return;
    const seconds = Math.ceil((until - performance.now()) / 1_000);
    page.countdown.textContent = seconds > 0 ? `Trying again in ${seconds} s` : 'Trying again';
    if (seconds > 0) setTimeout(tick, 250);
  })();
}

/** The newest first. @param {string} event */
function showEvent(event) {
  page.events.prepend(element('li', '', clock('medium'), event));
  if (page.events.childElementCount > MOST_EVENTS) page.events.lastElementChild?.remove();
}

/** @param {boolean} isInRoom */
function turn(isInRoom) {
  page.lobby.hidden = isInRoom;
  page.chat.hidden = page.leave.hidden = !isInRoom;
  page.title.textContent = isInRoom ? page.room.value : 'Chat';
  document.title = isInRoom ? `${page.room.value} · Chat` : 'Chat';
}

function enter() {
  isAtEnd = true;
  page.lines.replaceChildren();
  page.events.replaceChildren();
  showPeople([]);
  turn(true);
  page.text.focus();
  sessionStorage.setItem('name', page.name.value);
  history.replaceState(null, '', `#${encodeURIComponent(page.room.value)}`);

  const url = new URL('/chat', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('room', page.room.value);
  url.searchParams.set('name', page.name.value);
  connection = new Connection(url, {
    onMessage: receive,
    onState: showState,
    onWait: showWait,
    onEvent: showEvent,
    onEnd(code, reason) {
      connection = undefined;
      showState('');
      turn(false);
      page.ended.textContent =
        code === 1000 ? 'You have left the room.' : `The server has closed the connection: ${reason || code}`;
      page.ended.hidden = false;
      page.room.focus();
    },
  });
}

page.enter.addEventListener('submit', (event) => {
  event.preventDefault();
  page.name.value = page.name.value.trim();
  page.room.value = page.room.value.trim();
  enter();
});

page.say.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = page.text.value.trim();
  if (text === '' || !connection?.send(text)) return; // what could not be sent stays in the field
  if (!text.startsWith('/')) unheard.push(text);
  page.text.value = '';
});

page.leave.addEventListener('click', () => connection?.leave());
page.retry.addEventListener('click', () => {
  connection?.connect();
  page.text.focus(); // the button is gone
});

// Moments at which there is no point in waiting longer.
addEventListener('online', () => connection?.connect());
addEventListener('pageshow', () => connection?.connect());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) connection?.connect();
});

page.name.value = sessionStorage.getItem('name') ?? '';
try {
  page.room.value = decodeURIComponent(location.hash.slice(1)) || page.room.value;
} catch {
  // the link is not one of ours
}

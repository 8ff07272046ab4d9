// The page: a double-click adds a note, and dragging the name of its author moves it.

/** @typedef {import('../protocol.ts').FromClient} FromClient */
/** @typedef {import('../protocol.ts').FromServer} FromServer */
/** @typedef {Extract<FromServer, { type: 'put' }>['note']} Note */

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const board = $('board');
const template = /** @type {HTMLTemplateElement} */ ($('note'));

let socket = /** @type {WebSocket | undefined} */ (undefined);
const send = (/** @type {FromClient} */ message) => socket?.send(JSON.stringify(message));

function connect() {
  socket = new WebSocket(`${location.origin.replace('http', 'ws')}/notes`);
  socket.onmessage = ({ data }) => receive(JSON.parse(data));
  socket.onclose = async () => {
    board.inert = true; // nothing can be changed meanwhile
    const status = await fetch('/notes').then(
      (response) => response.status,
      () => 0,
    );
    if (status === 401) $('login').hidden = false;
    else setTimeout(connect, 500 + Math.random() * 1_000); // pages return at different times
  };
}
connect();

function receive(/** @type {FromServer} */ message) {
  if (message.type === 'put') show(message.note);
  else if (message.type === 'remove') $(message.id)?.remove();
  else if (message.type === 'full') alert('The board is full.');
  else {
    board.replaceChildren();
    for (const note of message.notes) show(note);
    board.inert = false;
  }
}

function show(/** @type {Note} */ { id, author, text, x, y }) {
  const note = $(id) ?? create(id);
  const [name, area] = [/** @type {HTMLElement} */ (note.querySelector('b')), note.querySelector('textarea')];
  name.textContent = author;
  if (area && area !== document.activeElement) area.value = text;
  place(note, x, y);
}

function place(/** @type {HTMLElement} */ note, /** @type {number} */ x, /** @type {number} */ y) {
  note.style.left = `${x * 100}%`;
  note.style.top = `${y * 100}%`;
}

function create(/** @type {string} */ id) {
  const note = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const area = /** @type {HTMLTextAreaElement} */ (note.querySelector('textarea'));
  const handle = /** @type {HTMLElement} */ (note.querySelector('b'));
  note.id = id;
  const put = () => {
    const [x, y] = [note.offsetLeft / board.offsetWidth, note.offsetTop / board.offsetHeight];
    send({ type: 'put', id, text: area.value, x, y });
  };
  area.onchange = put;
  handle.onpointerdown = ({ pointerId }) => handle.setPointerCapture(pointerId);
  handle.onpointermove = ({ pointerId, clientX, clientY }) => {
    if (handle.hasPointerCapture(pointerId))
      place(note, at(clientX, board.offsetWidth), at(clientY, board.offsetHeight));
  };
  handle.onpointerup = put;
  /** @type {HTMLElement} */ (note.querySelector('button')).onclick = () => send({ type: 'remove', id });
  board.append(note);
  return note;
}

/** A position as a part of a length. @param {number} position @param {number} length */
const at = (position, length) => Math.min(Math.max(position / length, 0), 1);

board.ondblclick = ({ target, clientX, clientY }) => {
  const [x, y] = [at(clientX, board.offsetWidth), at(clientY, board.offsetHeight)];
  if (target === board) send({ type: 'put', id: crypto.randomUUID(), text: '', x, y });
};

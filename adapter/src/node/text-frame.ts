/** The longest frame to keep, in bytes. */
const KEPT = 65_536;

let lastText = '';
let lastFrame: Buffer | undefined;

/** The frame of an uncompressed text message (RFC 6455 §5.2). A broadcast sends the same text many times: it is framed once. */
export function textFrame(text: string): Buffer {
  if (lastFrame && text === lastText) return lastFrame;
  const frame = frameOf(text);
  const isKept = frame.length <= KEPT;
  lastText = isKept ? text : '';
  lastFrame = isKept ? frame : undefined;
  return frame;
}

function frameOf(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const start = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = 0x81; // FIN, and the opcode of text
  frame[1] = start === 2 ? length : start === 4 ? 126 : 127;
  if (start === 4) frame.writeUInt16BE(length, 2);
  else if (start === 10) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.write(text, start);
  return frame;
}

// ws_node.mjs URL [PACKAGE] - echoes through Node's own WebSocket (undici), or that of a package (ws); prints what it
// saw as JSON.
import { createRequire } from 'node:module';

const [, , url, name] = process.argv;
const Client = name ? createRequire(import.meta.url)(name).WebSocket : WebSocket;
const ws = new Client(url, 'echo');
const seen = { protocol: null, messages: [], binary: 0 };
setTimeout(() => { console.error('too slow'); process.exit(1); }, 60000).unref();
ws.binaryType = 'arraybuffer';
const large = 'x'.repeat(200000) + '\u20ac';
ws.onopen = () => {
  seen.protocol = ws.protocol;
  ws.send('Hello');
  ws.send(large);
  ws.send(new Uint8Array(100000).fill(7));
};
ws.onmessage = ({ data }) => {
  if (typeof data == 'string') {
    seen.messages.push(data == large ? 'large' : data);
  } else {
    seen.binary += new Uint8Array(data).filter((byte) => byte == 7).length;
    ws.close(4001, 'enough');
  }
};
ws.onerror = (event) => { console.error(event.message ?? event); process.exit(1); };
ws.onclose = ({ code, wasClean }) => console.log(JSON.stringify({ ...seen, code, wasClean }));

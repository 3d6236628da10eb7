// ws_node.mjs URL - echoes through Node's own WebSocket (undici); prints what it saw as JSON.
const ws = new WebSocket(process.argv[2], 'echo');
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

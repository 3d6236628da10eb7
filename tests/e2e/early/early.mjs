// One request with Node: early.mjs URL BYTES [NAME VALUE]. Prints the status, or the error.
import http2 from 'node:http2';
import { Readable } from 'node:stream';

const [url, bytes, name, value] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const client = http2.connect(origin, { rejectUnauthorized: false });
const upload = Number(bytes) > 0;
const fields = { ':method': upload ? 'POST' : 'GET', ':path': decodeURI(pathname) };
if (name) fields[name] = value;
const request = client.request(fields, { endStream: !upload });
let said;
request.on('response', (headers) => { said = `HTTP/2 ${headers[':status']}`; });
request.on('error', (error) => { said = String(error); });
request.on('close', () => { console.log(said); client.destroy(); });
request.resume();
function* pieces() {
  for (let left = Number(bytes); left > 0; left -= 65536) yield Buffer.alloc(Math.min(left, 65536));
}
if (upload) Readable.from(pieces()).pipe(request);

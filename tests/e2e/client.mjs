// client.mjs URL - fetches the built-in site through Node's http2 client; prints what it saw as JSON.
import { createHash } from 'node:crypto';
import http2 from 'node:http2';

const session = http2.connect(process.argv[2], { rejectUnauthorized: false });
session.on('error', (error) => { console.error(error); process.exit(1); });
setTimeout(() => { console.error('too slow'); process.exit(1); }, 60000).unref();

function request(path, { method = 'GET', body } = {}) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, ':method': method },
                                   { endStream: body === undefined });
    const chunks = [];
    let fields;
    stream.on('response', (headers) => { fields = headers; });
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => resolve({ fields, body: Buffer.concat(chunks) }));
    stream.on('error', reject);
    if (body !== undefined) stream.end(body);
  });
}

async function digests(sizes) {
  const responses = await Promise.all(sizes.map((size) => request(`/bytes/${size}`)));
  return Object.fromEntries(responses.map(
    ({ body }, i) => [sizes[i], createHash('sha256').update(body).digest('hex')]));
}

async function delay(milliseconds) {
  const began = performance.now();
  await request(`/delay/${milliseconds}`);
  return performance.now() - began;
}

function ping() {
  return new Promise((resolve, reject) => {
    session.ping((error) => (error ? reject(error) : resolve(1)));
  });
}

const upload = Buffer.alloc(3_000_001, 'upload ');
const head = await request('/bytes/1000', { method: 'HEAD' });
const results = {
  plaintext: (await request('/plaintext')).body.toString(),
  echo_equal: (await request('/echo', { method: 'POST', body: upload })).body.equals(upload),
  bytes: await digests([0, 1, 100, 16384, 65536, 100000, 2000000]),
  delays_ms: await Promise.all([200, 100].map(delay)),
  head: { status: head.fields[':status'], length: head.fields['content-length'],
          body: head.body.length },
  pings: (await Promise.all([ping(), ping(), ping()])).length,
};
session.close();
console.log(JSON.stringify(results));
